"""Run by tests as a process of its own: `lychee load` with the tests' encoder, which takes its time."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import api.commands.serving
import lychee
import search.opening
from core.encoder import Encoded, Encoder
from tests.color_encoder import ColorEncoder


class SlowEncoder(ColorEncoder):
    """Leaves time to be stopped in."""

    def encode_texts(self, texts: Sequence[str], *, as_query: bool = False) -> Encoded:
        time.sleep(0.3)
        return super().encode_texts(texts, as_query=as_query)


def load(*_: object) -> Encoder:
    return SlowEncoder()


if __name__ == "__main__":
    vars(search.opening).update(load_encoder=load)
    api.commands.serving.FINISHING_SECONDS = 5
    sys.exit(lychee.run(sys.argv[1:]))
