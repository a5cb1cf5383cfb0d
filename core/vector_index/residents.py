"""The rows that filters keep, laid out to be compared one by one: shoppers turn pages and change words."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from core.key_set import KeySet
from core.types import Keys
from core.vector_index.rows import Floats, RowTable

MAX_BYTES, MAX_BYTES_IN_ALL = 24 << 20, 48 << 20
"""A scan of 24 MB takes as long as one of the codes of a few hundred thousand rows."""
FEW_KEYS = 4_096
"""So few products are compared one by one sooner than codes are scanned for them, laid out as well as where they are."""
NOTED = 64
"""Filters that are remembered without their rows: half a page of a shopper's visit."""


@dataclass(frozen=True, slots=True)
class Resident:
    """The rows of one filter."""

    keys: Keys
    vectors: Floats

    def cosines(self, query: Floats) -> Floats:
        """The query's cosine to each of the rows."""
        # Not `@`, which spreads over all cores and waits for the busiest.
        cosines: Floats = np.vecdot(self.vectors, query)
        return cosines


class Residents:
    """The filters of one segment that were asked last; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[KeySet, Resident | None] = OrderedDict()
        self._bytes = 0

    def of(self, rows: RowTable, among: KeySet) -> Resident | None:
        """The rows that the filter keeps; where they are many, from the second time on that it is asked for."""
        with self._lock:
            known = self._known.get(among)
            is_worth_it = among in self._known or len(among) <= FEW_KEYS
            self._note(among, known)
        if known is not None or not is_worth_it:
            return known
        kept = rows.rows_of(among.keys)
        resident = Resident(rows.keys[kept], rows.wide_vectors(kept))
        with self._lock:
            self._note(among, resident)
        return resident

    def _note(self, among: KeySet, resident: Resident | None) -> None:
        self._bytes += _bytes(resident) - _bytes(self._known.pop(among, None))
        self._known[among] = resident
        while self._bytes > MAX_BYTES_IN_ALL or len(self._known) > NOTED:
            _, dropped = self._known.popitem(last=False)
            self._bytes -= _bytes(dropped)


def _bytes(resident: Resident | None) -> int:
    return 0 if resident is None else resident.vectors.nbytes
