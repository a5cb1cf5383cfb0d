"""The products that look near, found fast.

Small indexes are scanned exactly. Larger ones keep 4 bits for each pair of the more telling numbers of a vector, in
lists around centroids of which the nearest are scanned. A search answers more than was asked for, which the caller
re-scores with the stored vectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.key_set import KeySet
from core.types import Keys
from core.vector_index.native import faiss, stay_on_this_thread, widened_halves
from core.vector_index.rows import Floats

EXACT_BELOW_ROWS = 20_000
MANY_ROWS = 400_000
ROWS_A_LIST, ROWS_A_LIST_OF_MANY, MOST_LISTS = 1_200, 600, 8_192
"""The number of lists is a power of two: 128 for 200,000 rows, 2,048 for a million. Where they are many rows, finding a
vector's list makes building twice as long and searches a third shorter; with more than some thousand lists, comparing
a query with their centroids would take longer than what it spares."""
CODED_LENGTH, CODED_LENGTH_OF_MANY = 0.93, 0.98
"""As many directions are coded as hold so much of the squared length. The more rows there are, the more alike are the
nearest: codes that tell less would need thousands of rows re-scored."""
LEAST_CODED_PART, LEAST_CODED_DIM = 0.25, 32
SEED = 20_26
CHUNK_ROWS = 32_768
TRAINING_ROWS_A_LIST, LEAST_TRAINING_ROWS = 64, 32_768


@dataclass(frozen=True, slots=True)
class Plan:
    """How an index of some size is laid out."""

    exact: bool
    lists: int
    training_rows: int

    @classmethod
    def of(cls, rows: int, *, exact: bool = False) -> Plan:
        """The layout measured best for this many rows."""
        if exact or rows <= EXACT_BELOW_ROWS:
            return cls(True, 0, 0)
        rows_a_list = ROWS_A_LIST if rows < MANY_ROWS else ROWS_A_LIST_OF_MANY
        lists = min(MOST_LISTS, 1 << round(np.log2(rows / rows_a_list)))
        return cls(False, lists, min(rows, max(LEAST_TRAINING_ROWS, TRAINING_ROWS_A_LIST * lists)))


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard a search of codes looks, so that the nearest rows are among what it answers."""

    probes: int
    """Lists that are scanned, the nearest ones."""
    pool_base: int
    pool_slope: float
    """Rows that are re-scored: so many, and so many more for each one wanted."""

    def pool(self, wanted: float) -> int:
        """How many rows to ask the codes for where some are wanted."""
        return self.pool_base + math.ceil(self.pool_slope * wanted)


class QuickIndex:
    """Keys of vectors that are probably near a query; immutable, safe for many threads.

    A key comes once for each of its vectors.
    """

    def __init__(self, index: Any) -> None:
        self._index = index
        self._inverted = None if isinstance(index, faiss.IndexIDMap) else faiss.extract_index_ivf(index)
        self._unfiltered: dict[int, Any] = {}
        """Search parameters by lists looked into: making them takes a tenth of a search."""

    @classmethod
    def build(
        cls,
        keys: Keys,
        vectors: NDArray[np.float16],
        *,
        exact: bool = False,
        seen: Callable[[int, Floats], None] | None = None,
    ) -> QuickIndex:
        """Row i of the vectors is found as keys[i]; memory stays near the size of the codes.

        `seen` is shown every stretch of the vectors once, with the number of its first row.
        """
        plan = Plan.of(len(vectors), exact=exact)
        index = (
            faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1])) if plan.exact else _trained(vectors, plan)
        )
        for first, stretch in stretches(vectors):
            index.add_with_ids(stretch, keys[first : first + len(stretch)])
            if seen is not None:
                seen(first, stretch)
        return cls(index)

    @classmethod
    def from_bytes(cls, stored: NDArray[np.uint8]) -> QuickIndex:
        return cls(faiss.deserialize_index(stored))

    def to_bytes(self) -> NDArray[np.uint8]:
        stored: NDArray[np.uint8] = faiss.serialize_index(self._index)
        return stored

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        return int(self._index.d)

    @property
    def exact(self) -> bool:
        """Whether what it answers is the nearest there is for certain."""
        return self._inverted is None

    @property
    def lists(self) -> int:
        """Lists that the codes are kept in; 1 where all is scanned."""
        return 1 if self._inverted is None else int(self._inverted.nlist)

    @property
    def code_bytes(self) -> int:
        """Bytes that a scan reads of each vector."""
        return 4 * self.dim if self._inverted is None else int(self._inverted.code_size)

    def near(self, query: Floats, count: int, *, probes: int, among: KeySet | None = None) -> Keys:
        """Up to `count` keys, of the `among` ones only."""
        stay_on_this_thread()
        found: Keys = self.near_many(query[None, :], count, probes=probes, among=among)[0]
        return found[found >= 0]

    def near_many(self, queries: Floats, count: int, *, probes: int, among: KeySet | None = None) -> Keys:
        """One row of `count` keys a query, filled up with -1; on as many threads as are set."""
        if among is not None:
            parameters = self._parameters(probes, faiss.IDSelectorBitmap(among.bitmap))
        elif (parameters := self._unfiltered.get(probes)) is None:
            parameters = self._unfiltered[probes] = self._parameters(probes, None)
        _, found = self._index.search(queries, min(count, len(self)), params=parameters)
        keys: Keys = found
        return keys

    def _parameters(self, probes: int, selector: Any) -> Any:
        if self._inverted is None:
            return None if selector is None else faiss.SearchParameters(sel=selector)
        inner = faiss.SearchParametersIVF(nprobe=min(probes, self.lists), sel=selector)
        return faiss.SearchParametersPreTransform(index_params=inner)


def stretches(vectors: NDArray[np.float16]) -> Iterator[tuple[int, Floats]]:
    """All rows as float32, some ten thousand at a time, each time with the number of the first."""
    for first in range(0, len(vectors), CHUNK_ROWS):
        yield first, widened_halves(vectors[first : first + CHUNK_ROWS])


def _trained(vectors: NDArray[np.float16], plan: Plan) -> Any:
    """An empty index whose directions, centroids and codes fit a fixed random sample of the vectors."""
    rows = np.sort(np.random.default_rng(SEED).choice(len(vectors), plan.training_rows, replace=False))
    sample = widened_halves(vectors[rows])
    coded = CODED_LENGTH if len(vectors) < MANY_ROWS else CODED_LENGTH_OF_MANY
    turned = _telling_directions(sample, coded)
    dim = int(turned.d_out)
    inverted = faiss.IndexIVFPQFastScan(
        faiss.IndexFlatIP(dim), dim, plan.lists, dim // 2, 4, faiss.METRIC_INNER_PRODUCT
    )
    inverted.cp.niter, inverted.cp.max_points_per_centroid = 10, TRAINING_ROWS_A_LIST
    inverted.cp.spherical = True
    inverted.pq.cp.niter = inverted.cp.niter
    # What a vector lacks of its centroid is no smaller than it for an inner product, and needs tables for each list.
    inverted.by_residual = False
    inverted.train(turned.apply(sample))
    return faiss.IndexPreTransform(turned, inverted)


def _telling_directions(sample: Floats, coded_length: float) -> Any:
    """Turns vectors onto the directions that hold most of their length, these mixed at random.

    The others tell little and would cost as much. Codes give every pair of numbers the same 4 bits, which the
    mixing makes equally telling. Not centred: that would change which inner products are the greatest.
    """
    dim = sample.shape[1]
    lengths, directions = np.linalg.eigh(sample.T @ sample)
    told = np.cumsum(lengths[::-1]) / lengths.sum()
    kept = max(1 + int(np.searchsorted(told, coded_length)), round(LEAST_CODED_PART * dim), LEAST_CODED_DIM)
    kept = 4 * math.ceil(kept / 4)
    strongest = np.zeros((kept, dim))
    strongest[:dim] = directions[:, ::-1].T[:kept]
    mixing, _ = np.linalg.qr(np.random.default_rng(SEED).standard_normal((kept, kept)))
    turned = faiss.LinearTransform(dim, kept, False)
    faiss.copy_array_to_vector((mixing @ strongest).astype(np.float32).ravel(), turned.A)
    turned.is_trained = True
    return turned
