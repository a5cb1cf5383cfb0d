"""Engines answering the same queries in turns at like recall, so that what else the machine does meets them all."""

from __future__ import annotations

import bisect
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.rivals import THREADS, Engine, RowNumbers
from bench.vectors import Floats, VectorSet

TUNING_QUERIES = 100
SLOW_SECONDS, SLOW_BLOCK = 0.004, 5
"""Who takes longer than that for a query is asked fewer of them in a turn."""
LENIENCE = 0.002
"""What recall on the tuning queries may lack: a setting is not skipped for chance's sake."""
TWO_THREAD_TURNS = 3


@dataclass(frozen=True, slots=True)
class Goal:
    """A recall to be reached among so many answers."""

    limit: int
    recall: float


@dataclass(frozen=True, slots=True)
class Result:
    """How one engine did; seconds are those of single queries on one thread."""

    engine: Engine
    goal: Goal
    effort: int
    recall: float
    seconds: NDArray[np.float64]
    turns: NDArray[np.float64]
    """Median seconds of a query in each turn: what else the machine does comes in bursts."""
    per_second_on_two: float

    @property
    def reached(self) -> bool:
        return self.recall >= self.goal.recall - LENIENCE

    @property
    def per_second(self) -> float:
        return float(1 / np.median(self.turns))

    def quantile(self, part: float) -> float:
        return float(np.quantile(self.seconds, part))

    def times_faster_than(self, other: Result) -> float:
        """The median, over turns, of the other's time for each of ours."""
        return float(np.median(other.turns / self.turns))


@dataclass(frozen=True, slots=True)
class Race:
    """One set, one goal, and how everybody did; ours comes first."""

    name: str
    rows: int
    goal: Goal
    results: tuple[Result, ...]

    @property
    def title(self) -> str:
        return f"{self.name}, {self.rows:,} rows, recall@{self.goal.limit} of {self.goal.recall}"

    def of(self, kind: type) -> list[Result]:
        """The results of one kind of engine."""
        return [result for result in self.results if isinstance(result.engine, kind)]


def true_neighbours(rows: VectorSet, limit: int) -> RowNumbers:
    """The exact answers, shape (queries, limit)."""
    count = len(rows.queries)
    cosines, found = np.empty((count, 0), np.float32), np.empty((count, 0), np.int64)
    first = 0
    for piece in rows.pieces():
        numbers = np.broadcast_to(np.arange(first, first + len(piece)), (count, len(piece)))
        cosines = np.concatenate([cosines, rows.queries @ piece.T], axis=1)
        found = np.concatenate([found, numbers], axis=1)
        best = np.argpartition(-cosines, limit - 1, axis=1)[:, :limit]
        cosines, found = np.take_along_axis(cosines, best, 1), np.take_along_axis(found, best, 1)
        first += len(piece)
    return np.take_along_axis(found, np.argsort(-cosines, axis=1), 1)


def recall(answers: Sequence[RowNumbers], right: Sequence[RowNumbers], limit: int) -> float:
    """The share of the right rows that were answered."""
    shares = [len(np.intersect1d(a[:limit], b[:limit])) / limit for a, b in zip(answers, right, strict=True)]
    return float(np.mean(shares))


def race(
    engines: Sequence[Engine], rows: VectorSet, right: RowNumbers, goal: Goal, *, turns: int, block: int
) -> Race:
    """Each engine at its quickest setting that reaches the goal, or at its best one where none does."""
    efforts = [_effort_for(engine, rows, right, goal) for engine in engines]
    seconds: list[list[NDArray[np.float64]]] = [[] for _ in engines]
    answers: list[dict[int, RowNumbers]] = [{} for _ in engines]
    sizes = [_block_of(engine, rows.queries, goal.limit, block) for engine in engines]
    for turn in range(turns):
        for which, engine in enumerate(engines):
            engine.set_effort(efforts[which])
            numbers = (np.arange(sizes[which]) + turn * block) % len(rows.queries)
            seconds[which].append(_asked(engine, rows.queries, numbers, goal.limit, answers[which]))
    results = []
    for which, engine in enumerate(engines):
        engine.set_effort(efforts[which])
        found = answers[which]
        reached = recall(list(found.values()), [right[number] for number in found], goal.limit)
        on_two = _per_second_on_two(engine, rows.queries[: 4 * sizes[which]], goal.limit)
        medians = np.array([np.median(turn) for turn in seconds[which]])
        every = np.concatenate(seconds[which])
        results.append(Result(engine, goal, efforts[which], reached, every, medians, on_two))
    return Race(rows.name, len(rows.rows), goal, tuple(results))


def _effort_for(engine: Engine, rows: VectorSet, right: RowNumbers, goal: Goal) -> int:
    efforts = [effort for effort in engine.efforts if effort >= goal.limit] or list(engine.efforts)
    if len(efforts) == 1:
        return efforts[0]

    def reached(effort: int) -> bool:
        engine.set_effort(effort)
        answers = [engine.nearest(query, goal.limit) for query in rows.queries[:TUNING_QUERIES]]
        return recall(answers, list(right[: len(answers)]), goal.limit) >= goal.recall - LENIENCE

    place = bisect.bisect_left(efforts, True, key=reached)
    return efforts[min(place, len(efforts) - 1)]


def _block_of(engine: Engine, queries: Floats, limit: int, block: int) -> int:
    engine.nearest(queries[0], limit)
    started = time.perf_counter()
    engine.nearest(queries[1], limit)
    return block if time.perf_counter() - started < SLOW_SECONDS else min(block, SLOW_BLOCK)


def _asked(
    engine: Engine, queries: Floats, numbers: NDArray[np.int64], limit: int, answers: dict[int, RowNumbers]
) -> NDArray[np.float64]:
    # The engine before has filled the processor's caches with its own rows.
    engine.nearest(queries[numbers[-1]], limit)
    seconds = np.empty(len(numbers))
    for place, number in enumerate(numbers.tolist()):
        started = time.perf_counter()
        answers[number] = engine.nearest(queries[number], limit)
        seconds[place] = time.perf_counter() - started
    return seconds


def _per_second_on_two(engine: Engine, queries: Floats, limit: int) -> float:
    rates = []
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(TWO_THREAD_TURNS):
            started = time.perf_counter()
            for _answer in pool.map(lambda query: engine.nearest(query, limit), queries):
                pass
            rates.append(len(queries) / (time.perf_counter() - started))
    return float(np.median(rates))
