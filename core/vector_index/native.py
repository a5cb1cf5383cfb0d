"""FAISS's own arithmetic: the one place that imports it, and its conversions of half-precision rows."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

# FAISS's threads wait for each other in a busy loop unless told so before the import: beside other work, a
# build takes forty times as long.
os.environ["OMP_WAIT_POLICY"] = os.environ.get("OMP_WAIT_POLICY", "PASSIVE")
import faiss as faiss_library

faiss: Any = faiss_library
"""Untyped: FAISS's stubs leave out the keyword arguments that its Python layer adds."""

# From so many numbers in a batch of queries on, FAISS multiplies matrices. By itself it does so above some hundred
# queries only, and streams all vectors once a query below: ten times as long. One query is better off without.
faiss.cvar.distance_compute_blas_threshold = 2_048

HALVES_AT_ONCE = 262_144
"""Gathered numbers stay in the processor's cache (512 KB)."""


def stay_on_this_thread() -> None:
    """For searches: waiting for a second thread costs more than it brings, and searches run side by side.

    The setting belongs to the calling thread.
    """
    faiss.omp_set_num_threads(1)


def use_all_processors() -> None:
    """For builds; belongs to the calling thread as well."""
    faiss.omp_set_num_threads(os.cpu_count() or 1)


def products_of_halves(
    stored: NDArray[np.float16], query: NDArray[np.float32], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The query's dot products with the rows; numpy widens halves one by one: five times as long."""
    stay_on_this_thread()
    dim = stored.shape[1]
    products = np.empty(len(rows), np.float32)
    scan = _half_precision(dim)
    step = max(1, HALVES_AT_ONCE // dim)
    for first in range(0, len(rows), step):
        piece = stored[rows[first : first + step]]
        scan.reset()
        scan.add_sa_codes(piece.view(np.uint8))
        similar, order = scan.search(query[None, :], len(piece))
        products[first + order[0]] = similar[0]
    return products


def widened_halves(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """The same numbers as float32, many at a time."""
    widened: NDArray[np.float32] = _half_precision(halves.shape[1]).sa_decode(
        np.ascontiguousarray(halves).view(np.uint8)
    )
    return widened


def _half_precision(dim: int) -> Any:
    scan = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    scan.is_trained = True
    return scan
