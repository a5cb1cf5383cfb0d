"""Nearest products of one part of an index: what looks near, re-scored, a product once, never too few."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.key_set import KeySet
from core.types import Keys
from core.vector_index.residents import FEW_KEYS, MAX_BYTES
from core.vector_index.rows import (
    Floats,
    RowNumbers,
    RowTable,
    best_of_products,
    best_of_rows,
    distinct,
    is_among,
)
from core.vector_index.segment import Segment

NO_KEYS: Keys = np.empty(0, np.int64)
ROWS_AT_ONCE = 16_384
WIDENING = 4
RAREST = 6.25
"""Where one product in six or fewer passes a filter, two and a half times the lists are looked into, and no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A segment, less what has changed since."""

    segment: Segment
    hidden: Keys
    """Ascending keys whose rows in this segment no longer count."""
    count: int
    """Rows that do."""

    @classmethod
    def of(cls, segment: Segment, hidden: Keys) -> Part:
        """The segment without those of the hidden keys that it has."""
        hidden = hidden[segment.rows.spans_of(hidden)[1] > 0]
        return cls(segment, hidden, len(segment.rows) - len(segment.rows.rows_of(hidden)))

    def hiding(self, keys: Keys) -> Part:
        """The same part without the rows of some more keys."""
        return self if not len(keys) else Part.of(self.segment, np.union1d(self.hidden, keys))

    @property
    def rows(self) -> RowTable:
        """All rows of the segment, the hidden ones among them."""
        return self.segment.rows

    def nearest(self, query: Floats, limit: int, among: KeySet | None) -> tuple[Keys, Floats]:
        """Distinct products, best first, ties by key; short only when no more match."""
        if among is not None and (found := self._of_few(query, limit, among)):
            return found
        quick, effort = self.segment.quick, self.segment.effort
        if quick is None:
            rows = self._rows_among(among)
            return self._compared(query, rows, limit)
        wanted = limit * len(self.rows) / self.segment.products
        pool, probes = effort.pool(wanted), math.ceil(effort.probes * self._further(among))
        while pool < len(self.rows):
            near = quick.near(query, pool, probes=probes, among=among)
            is_all = len(near) < pool and probes >= quick.lists
            kept = self._that_count(near)
            # Half of the pool must count: where most of it is hidden, what is left are its far ends.
            if is_all or 2 * len(kept) >= len(near):
                found = self._re_scored(query, kept, limit)
                if is_all or len(found[0]) >= limit:
                    return found
            pool, probes = pool * WIDENING, probes * WIDENING
        return self._exactly(query, limit, among)

    def nearest_many(self, queries: Floats, limit: int) -> list[tuple[Keys, Floats]]:
        """The same for several queries at once, sooner than one after the other."""
        quick, effort = self.segment.quick, self.segment.effort
        pool = effort.pool(limit * len(self.rows) / self.segment.products)
        if quick is None or pool >= len(self.rows):
            return [self.nearest(query, limit, None) for query in queries]
        answers = []
        for query, near in zip(queries, quick.near_many(queries, pool, probes=effort.probes), strict=True):
            near = near[near >= 0]
            kept = self._that_count(near)
            found = self._re_scored(query, kept, limit)
            enough = 2 * len(kept) >= len(near) and len(found[0]) >= limit
            answers.append(found if enough else self.nearest(query, limit, None))
        return answers

    def _of_few(self, query: Floats, limit: int, among: KeySet) -> tuple[Keys, Floats] | None:
        """Exactly, where the filter keeps so little that this is sooner done."""
        rows_of_each = len(self.rows) / self.segment.products
        if len(among) * rows_of_each * self.rows.dim * 4 <= MAX_BYTES:
            resident = self.segment.residents.of(self.rows, among)
            if resident is not None:
                return self._best(resident.keys, resident.cosines(query), limit)
        if len(among) <= FEW_KEYS:
            return self._compared(query, self.rows.rows_of(among.keys), limit)
        return None

    def _rows_among(self, among: KeySet | None) -> RowNumbers:
        if among is None:
            return np.arange(len(self.rows))
        # Not the set's keys looked up here: of those there may be far more than rows.
        return np.flatnonzero(among.contains(self.rows.keys))

    def _further(self, among: KeySet | None) -> float:
        """The rarer the matching products, the further away the nearest of them are."""
        if among is None:
            return 1.0
        return float(min(max(1.0, self.segment.products / len(among)), RAREST) ** 0.5)

    def _that_count(self, keys: Keys) -> Keys:
        return keys[~is_among(keys, self.hidden)] if len(self.hidden) else keys

    def _re_scored(self, query: Floats, near: Keys, limit: int) -> tuple[Keys, Floats]:
        if self.segment.products < len(self.rows):
            return self._compared(query, self.rows.rows_of(distinct(near)), limit)
        return best_of_rows(near, self.rows.cosines(query, self.rows.row_of_each(near)), limit)

    def _compared(self, query: Floats, rows: RowNumbers, limit: int) -> tuple[Keys, Floats]:
        return self._best(self.rows.keys[rows], self.rows.cosines(query, rows), limit)

    def _best(self, keys: Keys, cosines: Floats, limit: int) -> tuple[Keys, Floats]:
        if len(self.hidden):
            counts = ~is_among(keys, self.hidden)
            keys, cosines = keys[counts], cosines[counts]
        return best_of_products(keys, cosines, limit)

    def _exactly(self, query: Floats, limit: int, among: KeySet | None) -> tuple[Keys, Floats]:
        """Every row compared: for the longest answers, and when widening didn't find enough."""
        rows = self._rows_among(among)
        keys, cosines = NO_KEYS, np.empty(0, np.float32)
        for first in range(0, len(rows), ROWS_AT_ONCE):
            found = self._compared(query, rows[first : first + ROWS_AT_ONCE], limit)
            keys, cosines = best_of_products(
                np.concatenate([keys, found[0]]), np.concatenate([cosines, found[1]]), limit
            )
        return keys, cosines


def counting(rows: RowTable, hidden: Keys) -> NDArray[np.bool_]:
    """Which of the rows count."""
    counts = np.ones(len(rows), np.bool_)
    counts[rows.rows_of(hidden)] = False
    return counts
