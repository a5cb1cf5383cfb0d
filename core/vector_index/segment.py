"""One immutable stretch of an index: its rows, and how those near a vector are found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.vector_index.gpu import CardIndex
from core.vector_index.quick import Effort, QuickIndex
from core.vector_index.residents import Residents
from core.vector_index.rows import RowTable

NO_EFFORT = Effort(1, 0, 1.0)
"""What an exact index needs: all it answers is right."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Rows that were written together, in files or in memory; changes hide some of them from outside."""

    name: str
    """Of its folder; empty in memory."""
    rows: RowTable
    quick: QuickIndex | CardIndex | None
    """None in memory, where all rows are compared one by one."""
    effort: Effort
    products: int
    residents: Residents = field(default_factory=Residents)

    @classmethod
    def in_memory(cls, rows: RowTable) -> Segment:
        """Rows that were not published yet."""
        return cls("", rows, None, NO_EFFORT, len(np.unique(rows.keys)))
