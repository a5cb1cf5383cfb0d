"""Nearest products of a published index: the quick scan's rows, re-scored, a product once, never too few."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.types import Keys
from core.vector_index.published import Published
from core.vector_index.quick import QuickIndex
from core.vector_index.rows import Floats, RowNumbers, best_of_products, is_among

ROWS_AT_ONCE = 16_384
EXACT_ROWS = 8_192
"""So few rows are compared one by one sooner than a selector over the whole index is set up."""
POOL_FACTOR, POOL_EXTRA = 2, 200
"""The quick scan answers twice the rows that are wanted and 200 more: its order is rough."""
WIDENING = 4


@dataclass(frozen=True, slots=True)
class Search:
    """One search over the published rows, those of the hidden keys left out."""

    published: Published
    quick: QuickIndex
    hidden: Keys
    """Ascending."""

    def nearest(self, query: Floats, limit: int, *, among: Keys | None) -> tuple[Keys, Floats]:
        """Distinct products, best first, ties by key; short only when no more match. `among` ascends."""
        rows: RowNumbers | None = None
        if among is not None:
            rows = self.published.rows.rows_of_sorted(among[~is_among(among, self.hidden)])
            if len(rows) <= EXACT_ROWS:
                return self._rescored(query, rows)
        matching = len(self.published.rows) if rows is None else len(rows)
        wanted, effort = self._first_pool(limit), self._first_effort(matching)
        pool = wanted
        while pool < matching:
            near = self._not_hidden(self.quick.near(query, pool, among=rows, effort=effort))
            # Half of the pool must count: where most of it is hidden, what is left are its far ends.
            if 2 * len(near) >= wanted:
                keys, cosines = self._rescored(query, near)
                if len(keys) >= limit:
                    return keys, cosines
            pool, effort = pool * WIDENING, effort * WIDENING
        return self._exactly(query, rows, limit)

    def _first_pool(self, limit: int) -> int:
        manifest = self.published.manifest
        rows = limit * manifest.count / manifest.products
        return math.ceil(rows if self.quick.exact else rows * POOL_FACTOR + POOL_EXTRA)

    def _first_effort(self, matching: int) -> float:
        """The rarer the matching rows, the further away the nearest of them are."""
        return min(len(self.published.rows) / matching, 16.0) ** 0.5 if matching else 1.0

    def _not_hidden(self, rows: RowNumbers) -> RowNumbers:
        return rows[~is_among(self.published.rows.keys[rows], self.hidden)] if len(self.hidden) else rows

    def _rescored(self, query: Floats, rows: RowNumbers) -> tuple[Keys, Floats]:
        table = self.published.rows
        return best_of_products(table.keys[rows], table.cosines(query, rows))

    def _exactly(self, query: Floats, rows: RowNumbers | None, limit: int) -> tuple[Keys, Floats]:
        """Every row compared: for small indexes' longest answers, and when widening didn't find enough."""
        table = self.published.rows
        if rows is not None:
            return self._rescored(query, rows)
        keys, cosines = np.empty(0, np.int64), np.empty(0, np.float32)
        for first in range(0, len(table), ROWS_AT_ONCE):
            stretch = np.arange(first, min(first + ROWS_AT_ONCE, len(table)), dtype=np.int64)
            stretch_keys, similar = self._rescored(query, self._not_hidden(stretch))
            keys, cosines = np.concatenate([keys, stretch_keys]), np.concatenate([cosines, similar])
            keys, cosines = best_of_products(keys, cosines)
            keys, cosines = keys[:limit], cosines[:limit]
        return keys, cosines
