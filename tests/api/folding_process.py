"""Run by tests as a process of its own: `lychee load` with the tests' encoder, which publishes after few changes."""

from __future__ import annotations

import sys

import lychee
import search.live
import search.opening
from core.encoder import Encoder
from tests.color_encoder import ColorEncoder


def load(*_: object) -> Encoder:
    return ColorEncoder()


if __name__ == "__main__":
    vars(search.opening).update(load_encoder=load)
    search.live.FOLDED_ROWS = 15
    sys.exit(lychee.run(sys.argv[1:]))
