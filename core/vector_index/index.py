"""VectorIndex: one channel of one catalog, its published files and the changes since, as one snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from core.types import Keys, VectorBatch
from core.vector_index.published import Published, open_current, verify_current
from core.vector_index.rows import Floats, Resemblance, RowTable, best_of_products, is_among
from core.vector_index.search import Search
from core.vector_index.writing import check_batch, publish, shape_of

BACKGROUND_ROWS = 1024
BACKGROUND_SEED = 1
NO_KEYS: Keys = np.empty(0, np.int64)


class VectorIndex:
    """Answers which products are near a vector; never changes, so any number of threads may ask it."""

    def __init__(
        self, published: Published | None, fingerprint: str, *, added: RowTable, hidden: Keys, revision: int
    ) -> None:
        self.fingerprint, self.revision = fingerprint, revision
        self._published = published
        self._base = RowTable.empty() if published is None else published.rows
        self._added = added
        self._hidden = hidden
        """Ascending keys whose published rows no longer count: changed or removed since."""
        self._rows = len(self._base) + len(added) - len(self._base.rows_of(hidden))
        self._background: Floats | None = None

    @classmethod
    def publish(
        cls,
        folder: Path,
        batches: Iterable[VectorBatch],
        *,
        fingerprint: str,
        revision: int,
        exact: bool = False,
    ) -> VectorIndex:
        """Writes the batches, in key order, as the folder's index and opens it; `exact`: no quick scan.

        Raises InvalidVector, and OSError when the disk is full; the index before stays in force then.
        """
        publish(folder, batches, fingerprint=fingerprint, revision=revision, exact=exact)
        return cls.open(folder, fingerprint=fingerprint)

    @classmethod
    def open(cls, folder: Path, *, fingerprint: str) -> VectorIndex:
        """The folder's current index; raises FileNotFoundError, DamagedIndex or EncoderMismatch."""
        published = open_current(folder, fingerprint=fingerprint)
        added = RowTable.empty(published.manifest.dim)
        return cls(published, fingerprint, added=added, hidden=NO_KEYS, revision=published.manifest.revision)

    @classmethod
    def empty(cls, fingerprint: str, *, revision: int = 0) -> VectorIndex:
        """An index of nothing, in memory."""
        return cls(None, fingerprint, added=RowTable.empty(), hidden=NO_KEYS, revision=revision)

    @staticmethod
    def verify(folder: Path) -> int:
        """Reads every byte of the folder's index and answers how many rows it has; raises DamagedIndex."""
        return verify_current(folder).count

    def __len__(self) -> int:
        """Vectors that can be found."""
        return self._rows

    @property
    def dim(self) -> int:
        """Length of the vectors; 0 while there are none."""
        return self._base.dim or self._added.dim

    @property
    def feature_dim(self) -> int:
        """Length of the long features; 0 where there are none."""
        return self._base.feature_dim or self._added.feature_dim

    @property
    def changes(self) -> int:
        """Rows and keys kept in memory since publication; worth publishing anew when there are many."""
        return len(self._added) + len(self._hidden)

    def nearest(self, query: Floats, limit: int, *, among: Keys | None = None) -> tuple[Keys, Floats]:
        """The nearest products and their cosines, best first, ties by key; of the `among` keys if given.

        A product counts with its best vector. Fewer than `limit` come back only when no more match.
        """
        query = self._checked(query, self.dim)
        if limit < 1 or not len(self):
            return NO_KEYS, np.empty(0, np.float32)
        if among is not None and np.any(among[1:] <= among[:-1]):
            among = np.unique(among)
        parts = []
        if len(self._added):
            parts.append(self._nearest_added(query, among))
        if self._published is not None and self._published.quick is not None:
            search = Search(self._published, self._published.quick, self._hidden)
            parts.append(search.nearest(query, limit, among=among))
        keys, cosines = parts[0]
        if len(parts) > 1:
            keys, cosines = best_of_products(*(np.concatenate(both) for both in zip(*parts, strict=True)))
        return keys[:limit], cosines[:limit]

    def with_changes(self, batches: Iterable[VectorBatch], removed: Keys, revision: int) -> VectorIndex:
        """This index with changed products' new vectors in place of all their old ones, less the removed.

        `removed` may also name changed products that have no vector left; products in the batches stay.
        """
        tables = []
        for batch in batches:
            if len(batch):
                dim, feature_dim = shape_of(batch)
                self_dim, self_feature_dim = (self.dim, self.feature_dim) if self.dim else (dim, feature_dim)
                check_batch(batch, dim=self_dim, feature_dim=self_feature_dim)
                tables.append(RowTable.of(batch))
        changed = np.unique(
            np.concatenate([np.asarray(removed, np.int64), *(table.keys for table in tables)])
        )
        added = RowTable.joined([self._added.without(changed), *tables])
        hidden = np.union1d(self._hidden, changed[is_among(changed, self._base.keys)])
        return VectorIndex(self._published, self.fingerprint, added=added, hidden=hidden, revision=revision)

    def vector_similarities(self, query: Floats, keys: Keys) -> Floats:
        """The query vector's cosine to the best vector of each key; nan where the key has none."""
        return self._best_of_each(keys, RowTable.cosines, self._checked(query, self.dim))

    def similarities(self, features: Floats, keys: Keys) -> Floats:
        """The best dot product of the query's features with each key's rows; nan where the key has none.

        Where the encoder has no features, `features` is the query's vector and the cosines are answered.
        """
        query = self._checked(features, self.feature_dim or self.dim)
        return self._best_of_each(keys, RowTable.resemblances, query)

    def background(self, features: Floats) -> tuple[float, float]:
        """Mean and standard deviation of what `similarities` measures, over a fixed sample of the index."""
        query = self._checked(features, self.feature_dim or self.dim)
        if not len(self):
            return 0.0, 0.0
        if self._background is None:
            self._background = self._background_rows()
        values = np.vecdot(self._background, query)
        return float(values.mean()), float(values.std())

    def _checked(self, query: Floats, dim: int) -> Floats:
        query = np.ascontiguousarray(query, dtype=np.float32)
        if dim and query.shape != (dim,):
            raise ValueError(
                f"the query has shape {query.shape}; this index answers vectors of shape ({dim},)"
            )
        if not np.isfinite(query).all():
            raise ValueError("the query's vector has numbers that are not finite")
        return query

    def _nearest_added(self, query: Floats, among: Keys | None) -> tuple[Keys, Floats]:
        if among is None:
            return best_of_products(self._added.keys, np.vecdot(self._added.vectors, query))
        rows = self._added.rows_of(among)
        return best_of_products(self._added.keys[rows], self._added.cosines(query, rows))

    def _best_of_each(self, keys: Keys, resemblance: Resemblance, query: Floats) -> Floats:
        keys = np.asarray(keys, np.int64)
        best = self._base.best_of_each(keys, resemblance, query)
        if len(self._hidden):
            best[is_among(keys, self._hidden)] = np.nan
        return np.fmax(best, self._added.best_of_each(keys, resemblance, query))

    def _background_rows(self) -> Floats:
        """A fixed sample of the rows that count, widened to float32 once."""
        base_rows = len(self._base)
        counts = np.ones(base_rows + len(self._added), np.bool_)
        counts[self._base.rows_of(self._hidden)] = False
        live = np.flatnonzero(counts)
        generator = np.random.default_rng(BACKGROUND_SEED)
        chosen = np.sort(generator.choice(live, min(BACKGROUND_ROWS, len(live)), replace=False))
        parts = [(self._base, chosen[chosen < base_rows])]
        parts.append((self._added, chosen[chosen >= base_rows] - base_rows))
        return np.concatenate([table.widened(rows) for table, rows in parts if len(rows)])
