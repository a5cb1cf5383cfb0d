"""The rows that look near, found fast.

Small indexes are scanned exactly. Larger ones keep 2 bits a number of each vector, in lists around centroids:
a search scans the nearest lists and answers more rows than asked for, which the caller re-scores with the
stored vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.vector_index.native import faiss, stay_on_this_thread, use_all_processors
from core.vector_index.rows import Floats, RowNumbers

EXACT_BELOW_ROWS = 20_000
SCANNED_ROWS, SCANNED_PART = 50_000, 10
"""A search scans the codes of this many rows, or of a tenth of all where that is more."""
SEED = 20_26
CHUNK_ROWS = 32_768


@dataclass(frozen=True, slots=True)
class Plan:
    """How an index of some size is laid out."""

    exact: bool
    lists: int
    probes: int
    training_rows: int

    @classmethod
    def of(cls, rows: int, *, exact: bool) -> Plan:
        """The layout measured best for this many rows."""
        if exact or rows <= EXACT_BELOW_ROWS:
            return cls(True, 0, 0, 0)
        lists = 1 << round(np.log2(1.5 * np.sqrt(rows)))
        share = max(1 / SCANNED_PART, SCANNED_ROWS / rows)
        return cls(False, lists, min(lists, round(lists * share)), min(rows, 64 * lists))


class QuickIndex:
    """Row numbers of vectors that are probably near a query; immutable, safe for many threads."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._inverted = None if isinstance(index, faiss.IndexFlat) else faiss.extract_index_ivf(index)

    @classmethod
    def build(cls, vectors: NDArray[np.float16], *, exact: bool = False) -> QuickIndex:
        """Row i of the vectors becomes row number i; memory stays near the size of the codes."""
        plan = Plan.of(len(vectors), exact=exact)
        use_all_processors()
        index = faiss.IndexFlatIP(vectors.shape[1]) if plan.exact else _trained(vectors, plan)
        for first in range(0, len(vectors), CHUNK_ROWS):
            index.add(vectors[first : first + CHUNK_ROWS].astype(np.float32))
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
        """Whether the rows that it answers are the nearest ones for certain."""
        return self._inverted is None

    def near(
        self, query: Floats, count: int, *, among: RowNumbers | None = None, effort: float = 1.0
    ) -> RowNumbers:
        """Up to `count` rows, of the `among` ones only; `effort` multiplies the lists looked into."""
        selector = None if among is None else self._selector(among)
        parameters = self._parameters(selector, effort)
        stay_on_this_thread()
        _, rows = self._index.search(query[None, :], min(count, len(self)), params=parameters)
        found: RowNumbers = rows[0]
        return found[found >= 0]

    def _selector(self, rows: RowNumbers) -> Any:
        chosen = np.zeros(len(self) + 7 & ~7, np.bool_)
        chosen[rows] = True
        return faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))

    def _parameters(self, selector: Any, effort: float) -> Any:
        if self._inverted is None:
            return None if selector is None else faiss.SearchParameters(sel=selector)
        probes = min(self._inverted.nlist, round(self._inverted.nprobe * effort))
        inner = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
        return faiss.SearchParametersPreTransform(index_params=inner)


def _trained(vectors: NDArray[np.float16], plan: Plan) -> Any:
    """An empty index whose centroids and codes fit a fixed random sample of the vectors."""
    dim = vectors.shape[1]
    rows = np.sort(np.random.default_rng(SEED).choice(len(vectors), plan.training_rows, replace=False))
    # Codes give every pair of numbers the same 4 bits: a rotation first makes all pairs equally telling.
    coded_dim = dim + dim % 2
    rotation = faiss.RandomRotationMatrix(dim, coded_dim)
    rotation.init(SEED)
    rotated = rotation.apply(vectors[rows].astype(np.float32))
    centroids = faiss.IndexFlatIP(coded_dim)
    inverted = faiss.IndexIVFPQFastScan(
        centroids, coded_dim, plan.lists, coded_dim // 2, 4, faiss.METRIC_INNER_PRODUCT
    )
    inverted.cp.niter, inverted.cp.max_points_per_centroid = 10, 64
    inverted.nprobe = plan.probes
    inverted.train(rotated)
    return faiss.IndexPreTransform(rotation, inverted)
