"""Run by tests as a process of its own: switches a shop to the brightness encoder, slowly, telling what is stored."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from core.encoder import Encoded
from core.encoder_choice import EncoderChoice
from core.language import Language
from core.types import Pixels
from indexer.rebuilding import Rebuild
from indexer.report import Unwatched, Workbench
from tests.brightness_encoder import BrightnessEncoder
from tests.indexer.shop import Shop


class SlowEncoder(BrightnessEncoder):
    """Leaves time to be killed in."""

    def encode_images(self, images: Sequence[Pixels]) -> Encoded:
        time.sleep(0.2)
        return super().encode_images(images)


class Telling(Unwatched):
    """Says on stdout what is stored for good."""

    def advance(self, rows: int) -> None:
        sys.stdout.write(f"{rows}\n")
        sys.stdout.flush()


def main(data: str, url: str) -> None:
    shop = Shop(Path(data), Language.load(), url=url)
    choice = EncoderChoice("open_clip", "brightness")
    bench = Workbench(shop.store, SlowEncoder(), shop.language, shop.data, choice)
    Rebuild(bench, shop.catalog(), Telling()).run(EncoderChoice("lite"), lambda: None, to=choice)
    shop.store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
