"""Run by tests as a process of its own: ingests, tells each batch that is stored, and its memory at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from core.encoder import Encoded
from core.language import Language
from core.types import Pixels
from indexer.watching import TerminalWatch
from tests.color_encoder import ColorEncoder
from tests.indexer.shop import Shop


class SlowEncoder(ColorEncoder):
    """Leaves time to be interrupted in."""

    def encode_images(self, images: Sequence[Pixels]) -> Encoded:
        time.sleep(0.1)
        return super().encode_images(images)


class Telling(TerminalWatch):
    """Says on stdout what is stored for good."""

    def advance(self, rows: int) -> None:
        super().advance(rows)
        sys.stdout.write(f"stored {self._done}\n")
        sys.stdout.flush()


def main(source: str, data: str) -> int:
    shop = Shop(Path(data), Language.load(), SlowEncoder())
    watch = Telling()
    with watch.listening():
        report = shop.ingest(Path(source), watch=watch)
    sys.stdout.write(f"{most_megabytes()} {report.stored} {report.rejected}\n")
    shop.store.close()
    return 1 if report.interrupted else 0


def most_megabytes() -> int:
    """Of this program: what getrusage says begins with the memory of whoever started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
