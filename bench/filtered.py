"""Searches among some rows only: ours beside FAISS's bitmap selector over float32, at several shares kept.

A filter is asked by twenty queries one after the other, as shoppers who page and refine ask it; both sides' setting up
(a bitmap there, whatever ours does on first sight here) is in the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.race import recall
from bench.rivals import FaissExact, Ours, RowNumbers
from bench.vectors import Floats, VectorSet
from core.key_set import KeySet
from core.vector_index import VectorIndex

SHARES = (0.5, 0.1, 0.05, 0.01, 0.005, 0.0005)
QUERIES_A_FILTER = 20
LIMIT = 10
SEED = 5


@dataclass(frozen=True, slots=True)
class Filtered:
    """One share of the rows kept; times in seconds a query."""

    share: float
    recall: float
    """Of exact filtered search."""
    seconds: float
    first_seconds: float
    """The first query of a filter, the median over filters."""
    faiss_seconds: float
    times: float
    """FAISS's time for each of ours: the median over filters."""


def measure_filters(ours: Ours, exact: FaissExact, rows: VectorSet, *, filters: int) -> list[Filtered]:
    """A line for each share."""
    generator = np.random.default_rng(SEED)
    return [_measured(ours, exact, rows, share, generator, filters) for share in SHARES]


def _measured(
    ours: Ours, exact: FaissExact, rows: VectorSet, share: float, generator: np.random.Generator, filters: int
) -> Filtered:
    mine, theirs, recalls = [], [], []
    count = len(rows.rows)
    for number in range(filters):
        kept = np.sort(generator.choice(count, max(LIMIT, int(count * share)), replace=False))
        first = number * QUERIES_A_FILTER % (len(rows.queries) - QUERIES_A_FILTER)
        queries = rows.queries[first : first + QUERIES_A_FILTER]
        answers, seconds = _timed(partial(_ours, ours.index, among=KeySet.of(kept)), queries)
        started = time.perf_counter()
        bitmap = _bitmap(kept, count)
        set_up = time.perf_counter() - started
        right, faiss_seconds = _timed(partial(exact.nearest_of_marked, limit=LIMIT, bitmap=bitmap), queries)
        faiss_seconds[0] += set_up
        mine.append(seconds)
        theirs.append(faiss_seconds)
        recalls.append(recall(answers, right, LIMIT))
    means, faiss_means = (np.array([_mean(seconds) for seconds in side]) for side in (mine, theirs))
    return Filtered(
        share,
        float(np.mean(recalls)),
        float(np.median(means)),
        float(np.median([seconds[0] for seconds in mine])),
        float(np.median(faiss_means)),
        float(np.median(faiss_means / means)),
    )


def _ours(index: VectorIndex, query: Floats, *, among: KeySet) -> RowNumbers:
    return index.nearest(query, LIMIT, among=among)[0]


def _mean(seconds: NDArray[np.float64]) -> float:
    """Of the first query and as many usual ones as there were: what else the machine does comes in bursts."""
    usual = float(np.median(seconds[1:]))
    return (float(seconds[0]) + usual * (len(seconds) - 1)) / len(seconds)


def _timed(
    nearest: Callable[[Floats], RowNumbers], queries: Floats
) -> tuple[list[RowNumbers], NDArray[np.float64]]:
    answers, seconds = [], np.empty(len(queries))
    for number, query in enumerate(queries):
        started = time.perf_counter()
        answers.append(nearest(query))
        seconds[number] = time.perf_counter() - started
    return answers, seconds


def _bitmap(kept: RowNumbers, count: int) -> NDArray[np.uint8]:
    marked = np.zeros(count, np.bool_)
    marked[kept] = True
    return np.packbits(marked, bitorder="little")
