"""Vectors by row and rows by product key: exact arithmetic over stored vectors, mapped or in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import Keys, VectorBatch
from core.vector_index.native import products_of_halves

Floats = NDArray[np.float32]
RowNumbers = NDArray[np.int64]

MANY = 16
"""Above one key in so many rows, marking keys in a table beats looking them up one by one."""
VALUES_AT_ONCE = 262_144
"""Stored numbers are widened to float32 in pieces that stay in the processor's cache (1 MB)."""


@dataclass(frozen=True, slots=True)
class RowTable:
    """Vectors of products in key order; a product may have several rows, which stand together."""

    keys: Keys
    """Ascending, one entry a row."""
    vectors: NDArray[np.float16] | Floats
    features: NDArray[np.int8] | None
    scales: Floats | None

    @classmethod
    def empty(cls, dim: int = 0) -> RowTable:
        return cls(np.empty(0, np.int64), np.empty((0, dim), np.float32), None, None)

    @classmethod
    def of(cls, batch: VectorBatch) -> RowTable:
        """The batch's rows, sorted by key."""
        order = np.argsort(batch.keys, kind="stable")
        features = None if batch.features is None else batch.features[order]
        scales = None if features is None else batch.scales[order]
        # Half precision first: a changed product must not rank differently once it is published.
        vectors = batch.vectors[order].astype(np.float16).astype(np.float32)
        return cls(batch.keys[order], vectors, features, scales)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    @property
    def feature_dim(self) -> int:
        return 0 if self.features is None else int(self.features.shape[1])

    def spans_of(self, keys: Keys) -> tuple[RowNumbers, RowNumbers]:
        """The first row of each key and how many rows it has; any order of keys, 0 rows for unknown ones."""
        first = np.searchsorted(self.keys, keys, side="left")
        return first, np.searchsorted(self.keys, keys, side="right") - first

    def rows_of(self, keys: Keys) -> RowNumbers:
        """All rows of the keys, those of one key together."""
        return _ranges(*self.spans_of(keys))

    def rows_of_sorted(self, keys: Keys) -> RowNumbers:
        """The same for ascending keys, faster where they are many."""
        if not len(self) or len(keys) * MANY < len(self):
            return self.rows_of(keys)
        lowest, highest = int(self.keys[0]), int(self.keys[-1])
        if highest - lowest > MANY * len(self):
            return self.rows_of(keys)
        wanted = np.zeros(highest - lowest + 1, np.bool_)
        inside = slice(*np.searchsorted(keys, (lowest, highest + 1)))
        wanted[keys[inside] - lowest] = True
        return np.flatnonzero(wanted[self.keys - lowest])

    def without(self, keys: Keys) -> RowTable:
        """These rows less those of the keys, copied."""
        kept = np.isin(self.keys, keys, invert=True)
        features = None if self.features is None else self.features[kept]
        scales = None if self.scales is None else self.scales[kept]
        return RowTable(self.keys[kept], self.vectors[kept], features, scales)

    @classmethod
    def joined(cls, tables: Sequence[RowTable]) -> RowTable:
        """The rows of all of them, in memory, in key order."""
        filled = [table for table in tables if len(table)]
        if len(filled) < 2:
            return filled[0] if filled else tables[0]
        keys = np.concatenate([table.keys for table in filled])
        order = np.argsort(keys, kind="stable")
        vectors = np.concatenate([table.vectors for table in filled])[order]
        features = [table.features for table in filled if table.features is not None]
        scales = [table.scales for table in filled if table.scales is not None]
        if not features:
            return cls(keys[order], vectors, None, None)
        return cls(keys[order], vectors, np.concatenate(features)[order], np.concatenate(scales)[order])

    def cosines(self, query: Floats, rows: RowNumbers) -> Floats:
        """The query's cosine to each of the rows."""
        return _products(self.vectors, query, rows)

    def resemblances(self, query: Floats, rows: RowNumbers) -> Floats:
        """The query's dot product with the features of each of the rows, or with their vectors."""
        if self.features is None or self.scales is None:
            return self.cosines(query, rows)
        return _products(self.features, query, rows) * self.scales[rows]

    def widened(self, rows: RowNumbers) -> Floats:
        """The features of the rows as float32, or their vectors where there are none."""
        if self.features is None or self.scales is None:
            return self.vectors[rows].astype(np.float32)
        return self.features[rows].astype(np.float32) * self.scales[rows, None]

    def best_of_each(self, keys: Keys, resemblance_of_rows: Resemblance, query: Floats) -> Floats:
        """The best resemblance of each key's rows; nan where the key has none."""
        first, counts = self.spans_of(keys)
        found = np.flatnonzero(counts)
        best = np.full(len(keys), np.nan, np.float32)
        if len(found):
            values = resemblance_of_rows(self, query, _ranges(first[found], counts[found]))
            starts = np.cumsum(counts[found]) - counts[found]
            best[found] = np.maximum.reduceat(values, starts)
        return best


Resemblance = Callable[[RowTable, Floats, RowNumbers], Floats]


def best_of_products(keys: Keys, cosines: Floats) -> tuple[Keys, Floats]:
    """Each product once, with its best cosine: best first, ties by key."""
    order = np.lexsort((keys, -cosines))
    _, first = np.unique(keys[order], return_index=True)
    chosen = order[np.sort(first)]
    return keys[chosen], cosines[chosen]


def is_among(keys: Keys, sorted_keys: Keys) -> NDArray[np.bool_]:
    """Which of the keys are in an ascending list."""
    if not len(sorted_keys):
        return np.zeros(len(keys), np.bool_)
    place = np.searchsorted(sorted_keys, keys)
    place[place == len(sorted_keys)] = 0
    found: NDArray[np.bool_] = sorted_keys[place] == keys
    return found


def _ranges(first: RowNumbers, counts: RowNumbers) -> RowNumbers:
    """first[0], first[0] + 1, … counts[0] of them, then those from first[1], and so on."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    rows: RowNumbers = np.arange(total, dtype=np.int64) + np.repeat(first - (ends - counts), counts)
    return rows


def _products(stored: NDArray[np.generic], query: Floats, rows: RowNumbers) -> Floats:
    """Dot products of the query with stored rows of any number type.

    `vecdot` and not `@`: the latter spreads over all cores and waits for the busiest.
    """
    if stored.dtype == np.float16:
        return products_of_halves(stored.view(np.float16), query, rows)
    products = np.empty(len(rows), np.float32)
    step = max(1, VALUES_AT_ONCE // max(1, stored.shape[1]))
    for first in range(0, len(rows), step):
        piece = stored[rows[first : first + step]].astype(np.float32)
        np.vecdot(piece, query, out=products[first : first + step])
    return products
