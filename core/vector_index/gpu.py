"""Segments on a graphics card: all their vectors in half precision, scanned whole by faiss-gpu.

Used where faiss-gpu is installed in place of faiss-cpu, the card is there and the vectors fit on it; everything else
stays as it is. Filtered searches stay with the codes: FAISS's scan on the card knows no filters.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import numpy as np

from core.key_set import KeySet
from core.types import Keys
from core.vector_index.native import faiss
from core.vector_index.quick import QuickIndex, stretches
from core.vector_index.rows import Floats, RowTable

log = logging.getLogger("lychee.index")

MOST_FOUND = 2_048
"""FAISS answers no more than so many rows from a card."""


def card_for(device: str, library: Any = faiss) -> int | None:
    """The number of the card that a device setting (auto, cpu, cuda, cuda:N) means; None where FAISS has none."""
    cards = library.get_num_gpus() if hasattr(library, "get_num_gpus") else 0
    number = int(device.partition(":")[2] or 0)
    return None if device == "cpu" or number >= cards else number


def on_card(
    rows: RowTable, codes: QuickIndex, card: int | None, library: Any = faiss
) -> QuickIndex | CardIndex:
    """The segment on the card if there is one, it gains by it and has room; its codes otherwise."""
    if card is None or codes.exact:
        return codes
    try:
        return CardIndex(rows, codes, card, library)
    except RuntimeError as error:
        log.warning("%s vectors stay off card %d: %s", f"{len(rows):,}", card, str(error).splitlines()[0])
        return codes


class CardIndex:
    """Answers as a QuickIndex does, exactly where nothing is filtered; safe for many threads."""

    def __init__(self, rows: RowTable, codes: QuickIndex, card: int, library: Any = faiss) -> None:
        """RuntimeError where the card has no room."""
        self._keys, self._codes = rows.keys, codes
        self._resources = library.StandardGpuResources()
        settings = library.GpuIndexFlatConfig()
        settings.device, settings.useFloat16 = card, True
        self._index = library.GpuIndexFlatIP(self._resources, rows.dim, settings)
        for _, stretch in stretches(rows.halves):
            self._index.add(stretch)
        # FAISS's memory on a card belongs to one search at a time.
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def exact(self) -> bool:
        """Codes still answer filtered searches."""
        return False

    @property
    def lists(self) -> int:
        return self._codes.lists

    def near(self, query: Floats, count: int, *, probes: int, among: KeySet | None = None) -> Keys:
        """Up to `count` keys, of the `among` ones only."""
        if among is not None or count > MOST_FOUND:
            return self._codes.near(query, count, probes=probes, among=among)
        found: Keys = self.near_many(query[None, :], count, probes=probes)[0]
        return found[found >= 0]

    def near_many(self, queries: Floats, count: int, *, probes: int, among: KeySet | None = None) -> Keys:
        """One row of `count` keys a query, filled up with -1."""
        if among is not None or count > MOST_FOUND:
            return self._codes.near_many(queries, count, probes=probes, among=among)
        with self._lock:
            _, rows = self._index.search(queries, min(count, len(self)))
        keys: Keys = np.where(rows >= 0, self._keys[np.maximum(rows, 0)], -1)
        return keys
