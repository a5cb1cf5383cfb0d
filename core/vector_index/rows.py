"""Vectors by row and rows by product key: exact arithmetic over stored vectors, mapped or in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core.types import Keys, VectorBatch
from core.vector_index.native import products_of_halves, widened_halves

Floats = NDArray[np.float32]
RowNumbers = NDArray[np.int64]
Shape = tuple[int, int]
"""Length of the vectors and of the features, 0 without."""

SPARSE = 4
"""With more keys to a row than this, gaps included, a table of all keys would be mostly gaps."""
SEVERAL = 2
"""Rows looked at first for each product wanted, since a product may have several."""
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
    starts: NDArray[np.uint32] | None = None
    """The first row of each key from the lowest on, and where the last one ends; None where keys lie far apart."""

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

    @property
    def halves(self) -> NDArray[np.float16]:
        """The vectors of rows that were published."""
        return self.vectors.view(np.float16)

    def with_starts(self) -> RowTable:
        """The same rows, those of a key found by a look at a table in place of a search."""
        if not len(self) or int(self.keys[-1]) - int(self.keys[0]) >= SPARSE * len(self):
            return self
        every = np.arange(self.keys[0], self.keys[-1] + 2)
        return replace(self, starts=np.searchsorted(self.keys, every).astype(np.uint32))

    def spans_of(self, keys: Keys) -> tuple[RowNumbers, RowNumbers]:
        """The first row of each key and how many rows it has; any order of keys, 0 rows for unknown ones."""
        if self.starts is None:
            first = np.searchsorted(self.keys, keys, side="left")
            return first, np.searchsorted(self.keys, keys, side="right") - first
        place = keys - self.keys[0]
        # Keys beyond either end fall on the very last place, behind which no row is.
        place = np.where((place >= 0) & (place < len(self.starts) - 1), place, len(self.starts) - 1)
        first = self.starts[place].astype(np.int64)
        return first, self.starts[np.minimum(place + 1, len(self.starts) - 1)] - first

    def rows_of(self, keys: Keys) -> RowNumbers:
        """All rows of the keys, those of one key together."""
        return _ranges(*self.spans_of(keys))

    def row_of_each(self, keys: Keys) -> RowNumbers:
        """The row of each key, of a table that has them all and one row of each."""
        return np.searchsorted(self.keys, keys) if self.starts is None else self.starts[keys - self.keys[0]]

    def taken(self, rows: RowNumbers) -> RowTable:
        """Some of the rows, copied."""
        features = None if self.features is None else self.features[rows]
        scales = None if self.scales is None else self.scales[rows]
        return RowTable(self.keys[rows], self.vectors[rows], features, scales)

    def without(self, keys: Keys) -> RowTable:
        """These rows less those of the keys, copied."""
        return self.taken(np.flatnonzero(np.isin(self.keys, keys, invert=True)))

    @property
    def batch(self) -> VectorBatch:
        """The rows as they are stored; half precision stays what it is."""
        scales = np.ones(len(self), np.float32) if self.scales is None else self.scales
        return VectorBatch(self.keys, cast("Floats", self.vectors), self.features, scales)

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

    def wide_vectors(self, rows: RowNumbers) -> Floats:
        """The vectors of the rows as float32."""
        vectors = self.vectors[rows]
        return (
            widened_halves(vectors.view(np.float16))
            if vectors.dtype == np.float16
            else vectors.view(np.float32)
        )

    def widened(self, rows: RowNumbers) -> Floats:
        """The features of the rows as float32, or their vectors where there are none."""
        if self.features is None or self.scales is None:
            return self.wide_vectors(rows)
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


def best_of_products(keys: Keys, cosines: Floats, limit: int) -> tuple[Keys, Floats]:
    """Each product once, with its best cosine: best first, ties by key, `limit` of them at most."""
    considered = SEVERAL * limit
    while considered < len(keys):
        # Sorting takes most of the time where there is much to choose from.
        least = np.partition(cosines, -considered)[-considered]
        chosen = np.flatnonzero(cosines >= least)
        found = _best_of_products(keys[chosen], cosines[chosen])
        if len(found[0]) >= limit:
            return found[0][:limit], found[1][:limit]
        considered *= 4
    every, best = _best_of_products(keys, cosines)
    return every[:limit], best[:limit]


def best_of_rows(keys: Keys, cosines: Floats, limit: int) -> tuple[Keys, Floats]:
    """The same where each product comes once: the codes' scan has emptied the caches, so that every step counts."""
    order = np.lexsort((keys, -cosines))[:limit]
    return keys[order], cosines[order]


def _best_of_products(keys: Keys, cosines: Floats) -> tuple[Keys, Floats]:
    order = np.lexsort((keys, -cosines))
    _, first = np.unique(keys[order], return_index=True)
    chosen = order[np.sort(first)]
    return keys[chosen], cosines[chosen]


def distinct(keys: Keys) -> Keys:
    """Each key once, ascending; for a few hundred of them sooner than numpy's own."""
    ordered = np.sort(keys)
    return ordered[np.diff(ordered, prepend=-1) > 0]


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
