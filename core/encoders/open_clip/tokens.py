"""Texts to ids by the model's own tokenizer, cut to the length that their vectors depend on."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from core.encoders.open_clip.traits import Ids, Span

STEP = 8
"""Lengths are multiples of this, so that an engine meets few shapes and texts of about one length go together."""
PROBES = (
    "red running shoes for women, size 38",
    "浅粉色齐胸襦裙 刺绣",
    "Winterjacke mit Kapuze, wasserdicht & warm – 49,99 €",
    "フード付きパーカー 😀",
)


class Tokens:
    """Safe for many threads: one text list at a time goes through the tokenizer."""

    def __init__(self, tokenizer: Any, span: Span) -> None:
        self._tokenizer, self._span = tokenizer, span
        # The fast tokenizers of the hub keep padding and truncation as state.
        self._lock = threading.Lock()

    def ids(self, texts: Sequence[str]) -> Ids:
        """(n, context length), as open_clip makes them."""
        with self._lock:
            return np.asarray(self._tokenizer(list(texts)).numpy(), np.int64)

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Ids]]:
        """Places in the list and their ids, texts of about one length together."""
        ids = self.ids(texts)
        places: defaultdict[int, list[int]] = defaultdict(list)
        for place, length in enumerate(self._span.lengths(ids)):
            places[min(-(-length // STEP) * STEP, ids.shape[1])].append(place)
        for length in sorted(places):
            yield places[length], ids[places[length], :length]

    def digest(self) -> str:
        """Tells tokenizers apart by what they make of a few texts."""
        return hashlib.sha256(self.ids(PROBES).tobytes()).hexdigest()[:16]
