"""Batches of sixteen queries: ours beside FAISS's exact scan as it comes."""

from __future__ import annotations

import time

import numpy as np

from bench.rivals import FaissExact, Ours
from bench.vectors import VectorSet

BATCH, LIMIT, TURNS = 16, 100, 5


def batch_speedup(ours: Ours, exact: FaissExact, rows: VectorSet) -> float:
    """FAISS's time for each of ours, the median over turns."""
    times = []
    for turn in range(TURNS):
        queries = rows.queries[turn * BATCH : (turn + 1) * BATCH]
        started = time.perf_counter()
        ours.index.nearest_many(queries, LIMIT)
        between = time.perf_counter()
        exact.nearest_of_batch(queries, LIMIT)
        times.append((time.perf_counter() - between) / (between - started))
    return float(np.median(times))
