"""VectorIndex: one channel of one catalog, its published segments and the changes since, as one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from core.key_set import KeySet
from core.types import Keys, VectorBatch
from core.vector_index.files import current_generation
from core.vector_index.gpu import card_for
from core.vector_index.publication import ChangesSince, publish_anew, publish_changes, tune
from core.vector_index.published import open_current, verify_current
from core.vector_index.rows import Floats, Resemblance, RowTable, Shape, best_of_products, is_among
from core.vector_index.search import NO_KEYS, Part, counting
from core.vector_index.segment import Segment
from core.vector_index.tuning import Tuned
from core.vector_index.writing import Making, check_batch, shape_of

BACKGROUND_ROWS = 1024
BACKGROUND_SEED = 1
UNMADE = Making()


class VectorIndex:
    """Answers which products are near a vector; never changes, so any number of threads may ask it."""

    def __init__(
        self, parts: Sequence[Part], fingerprint: str, *, shape: Shape, revision: int, generation: str = ""
    ) -> None:
        """The last part may be in memory: what was changed since the generation was published."""
        self.fingerprint, self.revision, self._generation = fingerprint, revision, generation
        self._parts = tuple(part for part in parts if part.count)
        self._shape = shape if self._parts else (0, 0)
        self._rows = sum(part.count for part in self._parts)
        self._background: Floats | None = None

    @classmethod
    def publish(
        cls,
        folder: Path,
        batches: Iterable[VectorBatch],
        *,
        fingerprint: str,
        revision: int,
        making: Making = UNMADE,
    ) -> VectorIndex:
        """Writes the batches, in key order, as the folder's index and opens it.

        Raises InvalidVector, and OSError when the disk is full; the index before stays in force then.
        """
        publish_anew(folder, batches, fingerprint=fingerprint, revision=revision, making=making)
        return cls.open(folder, fingerprint=fingerprint)

    @staticmethod
    def publish_changes(
        folder: Path, changes_since: ChangesSince, *, fingerprint: str, making: Making = UNMADE
    ) -> None:
        """Adds to the folder's index what has changed since it was published: far less work than anew.

        The recall stays the one that the index is set to. Raises as `open` does, and as `publish` does.
        """
        publish_changes(folder, changes_since, fingerprint=fingerprint, making=making)

    @staticmethod
    def tune(folder: Path, recall: float, *, fingerprint: str, making: Making = UNMADE) -> list[Tuned]:
        """Sets the searches of the folder's index to a recall that is measured on its own vectors.

        Segments that are added later are set to it when they are built. Raises as `open` does.
        """
        return tune(folder, recall, fingerprint=fingerprint, making=making)

    @classmethod
    def open(
        cls, folder: Path, *, fingerprint: str, before: VectorIndex | None = None, device: str = "cpu"
    ) -> VectorIndex:
        """The folder's current index; raises FileNotFoundError, DamagedIndex or EncoderMismatch.

        What an index that was opened `before` has read is not read again. `device` is as in the settings: a
        graphics card is used where FAISS has one.
        """
        opened = {} if before is None else {part.segment.name: part.segment for part in before._parts}
        published = open_current(folder, fingerprint=fingerprint, opened=opened, card=card_for(device))
        manifest = published.manifest
        return cls(
            published.parts,
            fingerprint,
            shape=manifest.shape or (0, 0),
            revision=manifest.revision,
            generation=published.generation.name,
        )

    def is_over(self, folder: Path) -> bool:
        """Whether the folder's current index is the one that this was opened from or has changed since.

        FileNotFoundError, DamagedIndex.
        """
        return current_generation(folder).name == self._generation

    @staticmethod
    def verify(folder: Path) -> int:
        """Reads every byte of the folder's index and answers how many rows it has; raises DamagedIndex."""
        return verify_current(folder)

    def __len__(self) -> int:
        """Vectors that can be found."""
        return self._rows

    @property
    def dim(self) -> int:
        """Length of the vectors; 0 while there are none."""
        return self._shape[0]

    @property
    def feature_dim(self) -> int:
        """Length of the long features; 0 where there are none."""
        return self._shape[1]

    @property
    def changes(self) -> int:
        """Rows kept in memory since publication; worth publishing when there are many."""
        return sum(part.count for part in self._parts if part.segment.quick is None)

    def nearest(self, query: Floats, limit: int, *, among: KeySet | None = None) -> tuple[Keys, Floats]:
        """The nearest products and their cosines, best first, ties by key; of the `among` keys if given.

        A product counts with its best vector. Fewer than `limit` come back only when no more match.
        """
        query = self._checked(query, self.dim)
        if limit < 1:
            return NO_KEYS, np.empty(0, np.float32)
        return _best([part.nearest(query, limit, among) for part in self._parts], limit)

    def nearest_many(self, queries: Floats, limit: int) -> list[tuple[Keys, Floats]]:
        """What `nearest` answers to each of the queries, shape (n, dim), in less time."""
        checked = np.stack([self._checked(query, self.dim) for query in queries])
        answers = [part.nearest_many(checked, limit) for part in self._parts]
        return [_best([each[n] for each in answers], limit) for n in range(len(queries))]

    def with_changes(self, batches: Iterable[VectorBatch], removed: Keys, revision: int) -> VectorIndex:
        """This index with changed products' new vectors in place of all their old ones, less the removed.

        `removed` may also name changed products that have no vector left; products in the batches stay.
        """
        shape, tables = self._shape, []
        for batch in batches:
            if len(batch):
                shape = shape if shape[0] else shape_of(batch)
                check_batch(batch, shape)
                tables.append(RowTable.of(batch))
        gone = np.unique(np.concatenate([np.asarray(removed, np.int64), *(table.keys for table in tables)]))
        parts = [part.hiding(gone) for part in self._parts if part.segment.quick is not None]
        added = [part.rows.without(gone) for part in self._parts if part.segment.quick is None]
        fresh = RowTable.joined([*added, *tables]) if added or tables else RowTable.empty()
        parts.append(Part.of(Segment.in_memory(fresh), NO_KEYS))
        return VectorIndex(
            parts, self.fingerprint, shape=shape, revision=revision, generation=self._generation
        )

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

    def _best_of_each(self, keys: Keys, resemblance: Resemblance, query: Floats) -> Floats:
        keys = np.asarray(keys, np.int64)
        best = np.full(len(keys), np.nan, np.float32)
        for part in self._parts:
            here = part.rows.best_of_each(keys, resemblance, query)
            here[is_among(keys, part.hidden)] = np.nan
            best = np.fmax(best, here)
        return best

    def _background_rows(self) -> Floats:
        """A fixed sample of the rows that count, widened to float32 once."""
        live = [np.flatnonzero(counting(part.rows, part.hidden)) for part in self._parts]
        generator = np.random.default_rng(BACKGROUND_SEED)
        chosen = np.sort(generator.choice(self._rows, min(BACKGROUND_ROWS, self._rows), replace=False))
        starts = np.cumsum([0, *(len(rows) for rows in live)])
        sampled = []
        for part, rows, first, end in zip(self._parts, live, starts[:-1], starts[1:], strict=True):
            here = rows[chosen[(chosen >= first) & (chosen < end)] - first]
            if len(here):
                sampled.append(part.rows.widened(here))
        return np.concatenate(sampled)


def _best(found: Sequence[tuple[Keys, Floats]], limit: int) -> tuple[Keys, Floats]:
    """The best of what several parts answer."""
    if len(found) == 1:
        return found[0]
    if not found:
        return NO_KEYS, np.empty(0, np.float32)
    keys, cosines = zip(*found, strict=True)
    return best_of_products(np.concatenate(keys), np.concatenate(cosines), limit)
