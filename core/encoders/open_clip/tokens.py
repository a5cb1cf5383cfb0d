"""Texts to ids by the model's own tokenizer, cut to the length that their vectors depend on."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.encoders.open_clip.towers import TextTower

Ids = NDArray[np.int64]
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

    def __init__(self, tokenizer: Any, tower: TextTower) -> None:
        self._tokenizer, self._tower = tokenizer, tower
        # The fast tokenizers of the hub keep padding and truncation as state.
        self._lock = threading.Lock()

    def ids(self, texts: Sequence[str]) -> torch.Tensor:
        """(n, context length), as open_clip makes them."""
        with self._lock:
            found: torch.Tensor = self._tokenizer(list(texts))
        return found

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Ids]]:
        """Places in the list and their ids, texts of about one length together."""
        ids = self.ids(texts)
        lengths = self._tower.lengths(ids)
        places: defaultdict[int, list[int]] = defaultdict(list)
        for place in range(len(texts)):
            length = ids.shape[1] if lengths is None else -(-lengths[place] // STEP) * STEP
            places[min(length, ids.shape[1])].append(place)
        for length in sorted(places):
            yield places[length], ids[places[length], :length].numpy()

    def digest(self) -> str:
        """Tells tokenizers apart by what they make of a few texts."""
        return hashlib.sha256(self.ids(PROBES).numpy().tobytes()).hexdigest()[:16]
