"""One immutable stretch of an index: its rows, how those near a vector are found, and what filters kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.key_set import KeySet
from core.recent import Recent
from core.types import Keys
from core.vector_index.quick import Effort, QuickIndex
from core.vector_index.rows import Floats, RowTable

NO_EFFORT = Effort(1, 0, 1.0)
"""What an exact index needs: all it answers is right."""
RESIDENT_FILTERS = 8


@dataclass(frozen=True, slots=True)
class Resident:
    """The rows that a filter keeps, ready to be compared one by one."""

    keys: Keys
    vectors: Floats

    def cosines(self, query: Floats) -> tuple[Keys, Floats]:
        """The key of each row and its cosine."""
        return self.keys, np.vecdot(self.vectors, query)


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows that were written together, in files or in memory; changes hide some of them from outside."""

    name: str
    """Of its folder; empty in memory."""
    rows: RowTable
    quick: QuickIndex | None
    """None in memory, where all rows are compared one by one."""
    effort: Effort
    products: int
    _residents: Recent[KeySet, Resident] = field(default_factory=lambda: Recent(RESIDENT_FILTERS))

    @classmethod
    def in_memory(cls, rows: RowTable) -> Segment:
        """Rows that were not published yet."""
        return cls("", rows, None, NO_EFFORT, len(np.unique(rows.keys)))

    def resident(self, among: KeySet) -> Resident:
        """What a filter of few products keeps: shoppers turn its pages and change its words."""
        known = self._residents.get(among)
        if known is None:
            rows = self.rows.rows_of(among.keys)
            known = Resident(self.rows.keys[rows], self.rows.wide_vectors(rows))
            self._residents.keep(among, known)
        return known
