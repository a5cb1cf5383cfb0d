"""The engines that race: ours, numpy and FAISS exactly, FAISS's, hnswlib's and usearch's graphs, all asked alike.

hnswlib and usearch come with the extra `bench`.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.vectors import Floats, VectorSet
from core.types import VectorBatch
from core.vector_index import VectorIndex

RowNumbers = NDArray[np.int64]
Efforts = tuple[int, ...]

M = 16
THREADS = 2
FINGERPRINT = "bench"
GRAPH_EFFORTS: Efforts = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
FAISS_BLAS_THRESHOLD = 128_000
"""As FAISS 1.15 sets it; our own code may choose another for the whole process."""


class Engine(Protocol):
    """One index over one set of rows."""

    name: str
    build_seconds: float
    bytes_per_vector: float
    """Of all that it keeps: codes, links, ids, rows."""
    efforts: Efforts
    """Settings that trade time for recall, the quickest first; one for an engine without such a setting."""

    def set_effort(self, effort: int) -> None:
        """Holds from the next query on."""

    def nearest(self, query: Floats, limit: int) -> RowNumbers:
        """Row numbers, best first."""


class MissingBenchExtra(ImportError):
    """A rival is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not installed; pip install 'lychee-search[bench]' brings it")


def bench_module(name: str) -> Any:
    """A module of the extra `bench`; raises MissingBenchExtra."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingBenchExtra(name.partition(".")[0]) from error


class Ours:
    """core.vector_index, published into a folder and opened as a server does; row i has the key i.

    Its settings are the recalls, in thousandths, that it is tuned to on its own rows, never on the queries.
    """

    efforts: Efforts = (950, 980, 990, 995, 998, 999)

    def __init__(self, rows: VectorSet, folder: Path) -> None:
        self.name = "ours"
        self._folder = folder
        started = time.perf_counter()
        self.index = VectorIndex.publish(folder, batches(rows), fingerprint=FINGERPRINT, revision=1)
        self.build_seconds = time.perf_counter() - started
        self.bytes_per_vector = folder_bytes(folder) / len(rows.rows)
        self._tuned: dict[int, VectorIndex] = {}

    def set_effort(self, effort: int) -> None:
        if effort not in self._tuned:
            VectorIndex.tune(self._folder, effort / 1000, fingerprint=FINGERPRINT)
            self._tuned[effort] = VectorIndex.open(self._folder, fingerprint=FINGERPRINT)
        self.index = self._tuned[effort]

    def nearest(self, query: Floats, limit: int) -> RowNumbers:
        return self.index.nearest(query, limit)[0]


class NumpyExact:
    """A matrix times a vector, and the largest of it."""

    efforts: Efforts = (0,)

    def __init__(self, rows: VectorSet) -> None:
        self.name = "numpy exact"
        started = time.perf_counter()
        self._rows = rows.rows.astype(np.float32)
        self.build_seconds = time.perf_counter() - started
        self.bytes_per_vector = 4.0 * rows.dim

    def set_effort(self, effort: int) -> None:
        """Exact."""

    def nearest(self, query: Floats, limit: int) -> RowNumbers:
        cosines = self._rows @ query
        best = np.argpartition(-cosines, limit - 1)[:limit]
        return best[np.argsort(-cosines[best])]


class FaissExact:
    """faiss.IndexFlatIP over float32."""

    efforts: Efforts = (0,)

    def __init__(self, rows: VectorSet) -> None:
        self.name = "FAISS flat"
        self.faiss: Any = importlib.import_module("faiss")
        started = time.perf_counter()
        self.index = self.faiss.IndexFlatIP(rows.dim)
        for piece in rows.pieces():
            self.index.add(piece)
        self.build_seconds = time.perf_counter() - started
        self.bytes_per_vector = 4.0 * rows.dim

    def set_effort(self, effort: int) -> None:
        """Exact."""

    def nearest(self, query: Floats, limit: int) -> RowNumbers:
        self.faiss.omp_set_num_threads(1)
        found: RowNumbers = self.index.search(query[None, :], limit)[1][0]
        return found

    def nearest_of_batch(self, queries: Floats, limit: int) -> RowNumbers:
        """As FAISS does it by default: two threads, and its own choice of kernel."""
        self.faiss.omp_set_num_threads(THREADS)
        ours = self.faiss.cvar.distance_compute_blas_threshold
        self.faiss.cvar.distance_compute_blas_threshold = FAISS_BLAS_THRESHOLD
        found: RowNumbers = self.index.search(queries, limit)[1]
        self.faiss.cvar.distance_compute_blas_threshold = ours
        return found

    def nearest_of_marked(self, query: Floats, limit: int, bitmap: NDArray[np.uint8]) -> RowNumbers:
        """Of the rows whose bit is set only, by FAISS's bitmap selector."""
        self.faiss.omp_set_num_threads(1)
        chosen = self.faiss.SearchParameters(sel=self.faiss.IDSelectorBitmap(bitmap))
        found: RowNumbers = self.index.search(query[None, :], limit, params=chosen)[1][0]
        return found


class Hnswlib:
    """hnswlib, M 16, float32, inner product."""

    efforts: Efforts = GRAPH_EFFORTS

    def __init__(self, rows: VectorSet, construction: int) -> None:
        self.name = f"hnswlib efC{construction}"
        started = time.perf_counter()
        self._index = bench_module("hnswlib").Index("ip", rows.dim)
        self._index.init_index(len(rows.rows), ef_construction=construction, M=M, random_seed=1)
        for piece in rows.pieces():
            self._index.add_items(piece, num_threads=THREADS)
        self.build_seconds = time.perf_counter() - started
        self.bytes_per_vector = _saved_bytes(self._index.save_index) / len(rows.rows)
        self._index.set_num_threads(1)

    def set_effort(self, effort: int) -> None:
        self._index.set_ef(effort)

    def nearest(self, query: Floats, limit: int) -> RowNumbers:
        found: RowNumbers = self._index.knn_query(query[None, :], limit, num_threads=1)[0][0]
        return found


class Usearch:
    """usearch, connectivity 16, float32, inner product."""

    efforts: Efforts = GRAPH_EFFORTS

    def __init__(self, rows: VectorSet, construction: int) -> None:
        self.name = f"usearch efC{construction}"
        started = time.perf_counter()
        self._index = bench_module("usearch.index").Index(
            ndim=rows.dim, metric="ip", dtype="f32", connectivity=M, expansion_add=construction
        )
        first = 0
        for piece in rows.pieces():
            self._index.add(np.arange(first, first + len(piece)), piece, threads=THREADS)
            first += len(piece)
        self.build_seconds = time.perf_counter() - started
        self.bytes_per_vector = _saved_bytes(self._index.save) / len(rows.rows)

    def set_effort(self, effort: int) -> None:
        self._index.expansion_search = effort

    def nearest(self, query: Floats, limit: int) -> RowNumbers:
        found: RowNumbers = self._index.search(query, limit, threads=1).keys.astype(np.int64)
        return found


def faiss_hnsw_rows_a_second(rows: VectorSet, construction: int) -> float:
    """How fast FAISS's own graph takes in rows, on two threads."""
    faiss: Any = importlib.import_module("faiss")
    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexHNSWFlat(rows.dim, M, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = construction
    started = time.perf_counter()
    for piece in rows.pieces():
        index.add(piece)
    return len(rows.rows) / (time.perf_counter() - started)


def batches(rows: VectorSet, first: int = 0) -> Iterator[VectorBatch]:
    """The rows as an index takes them; their keys count from `first`."""
    for piece in rows.pieces():
        keys = np.arange(first, first + len(piece), dtype=np.int64)
        yield VectorBatch(keys, piece, None, np.ones(len(piece), np.float32))
        first += len(piece)


def folder_bytes(folder: Path) -> int:
    """All files below it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _saved_bytes(save: Any) -> int:
    with tempfile.TemporaryDirectory(prefix="lychee-bench-") as folder:
        path = Path(folder) / "index"
        save(str(path))
        return path.stat().st_size
