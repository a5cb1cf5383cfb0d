"""What size costs: a search at each number of rows, opening, and a thousand products more while queries go on."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from bench.race import recall, true_neighbours
from bench.rivals import FINGERPRINT, Ours, batches
from bench.vectors import Floats, VectorSet
from core.vector_index import VectorIndex
from core.vector_index.publication import Changes
from core.vector_index.writing import Making

LIMIT = 100
ROUNDS, BLOCK = 5, 30
EXACT_QUERIES = 60
"""So many queries are answered exactly to know the recall: at five million rows each costs a second."""
ADDED = 1_000
BEFORE_SECONDS = 2.0
GENTLY = Making(gently=True)
_OPEN = """
import sys, time
import numpy as np
from pathlib import Path
query = np.load(sys.argv[2])
started = time.perf_counter()
from core.vector_index import VectorIndex
index = VectorIndex.open(Path(sys.argv[1]), fingerprint=sys.argv[3])
index.nearest(query, 100)
print(time.perf_counter() - started)
"""


@dataclass(frozen=True, slots=True)
class Sized:
    """Searches for a hundred in one size of the made-up shop; times in seconds, those of the quietest turn."""

    rows: int
    dim: int
    build_seconds: float
    bytes_per_vector: float
    recall: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Added:
    """A thousand further products; times in seconds."""

    until_searchable: float
    until_published: float
    """In a file of their own, and opened again."""
    p95_before: float
    p95_meanwhile: float
    """From the first of them to the last."""
    open_to_answer: float
    """A process of its own: imports, opening, first answer; the files are in the system's cache."""


class Asking:
    """A thread that asks one query after the other, of whichever index is the current one."""

    def __init__(self, index: VectorIndex, queries: Floats) -> None:
        self.index = index
        self._queries = queries
        self._seconds: list[float] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def p95(self) -> float:
        """Of all queries since the last time this was asked."""
        seconds, self._seconds = self._seconds, []
        return float(np.quantile(seconds, 0.95))

    def _ask(self) -> None:
        number = 0
        while not self._done.is_set():
            self._seconds += _times(self.index, self._queries[number % len(self._queries)][None, :])
            number += 1


def measure_sizes(indexes: Sequence[tuple[Ours, VectorSet]]) -> list[Sized]:
    """All sizes in turns, so that their ratio holds."""
    turns: list[list[list[float]]] = [[] for _ in indexes]
    for turn in range(ROUNDS):
        for which, (ours, rows) in enumerate(indexes):
            queries = rows.queries[np.arange(turn * BLOCK, (turn + 1) * BLOCK) % len(rows.queries)]
            ours.nearest(queries[0], LIMIT)
            turns[which].append(_times(ours.index, queries))
    sizes = []
    for (ours, rows), of_turns in zip(indexes, turns, strict=True):
        few = VectorSet(rows.name, rows.rows, rows.queries[:EXACT_QUERIES])
        answers = [ours.nearest(query, LIMIT) for query in few.queries]
        found = recall(answers, list(true_neighbours(few, LIMIT)), LIMIT)
        # Where others use the machine, a search of milliseconds is interrupted more often than a shorter one.
        quietest = min(of_turns, key=np.median)
        p50, p95 = (float(np.quantile(quietest, part)) for part in (0.5, 0.95))
        sizes.append(
            Sized(len(rows.rows), rows.dim, ours.build_seconds, ours.bytes_per_vector, found, p50, p95)
        )
    return sizes


def measure_adding(ours: Ours, rows: VectorSet, folder: Path) -> Added:
    """Adds noisy copies of a thousand rows under new keys, first in memory, then to the folder."""
    added = _noisy_copies(rows)
    count = len(rows.rows)
    with Asking(ours.index, rows.queries) as asking:
        time.sleep(BEFORE_SECONDS)
        before = asking.p95()
        started = time.perf_counter()
        asking.index = ours.index.with_changes(batches(added, count), np.empty(0, np.int64), 2)
        _find(asking.index, added, count)
        searchable = time.perf_counter() - started
        changes = Changes(batches(added, count), np.empty(0, np.int64), 2)
        VectorIndex.publish_changes(folder, lambda _since: changes, fingerprint=FINGERPRINT, making=GENTLY)
        asking.index = VectorIndex.open(folder, fingerprint=FINGERPRINT, before=ours.index)
        _find(asking.index, added, count)
        published = time.perf_counter() - started
        time.sleep(BEFORE_SECONDS)
        meanwhile = asking.p95()
    opened = _open_to_answer(folder, rows.queries[0])
    return Added(searchable, published, before, meanwhile, opened)


def _noisy_copies(rows: VectorSet) -> VectorSet:
    fresh = rows.rows[:ADDED].astype(np.float32)
    fresh += np.random.default_rng(1).normal(0, 0.1 / np.sqrt(rows.dim), fresh.shape).astype(np.float32)
    fresh /= np.linalg.norm(fresh, axis=1, keepdims=True)
    return VectorSet("added", fresh.astype(np.float16), fresh)


def _find(index: VectorIndex, added: VectorSet, first_key: int) -> None:
    for number in (0, ADDED - 1):
        if index.nearest(added.queries[number], 1)[0][0] != first_key + number:
            raise RuntimeError("an added product does not find itself")


def _times(index: VectorIndex, queries: Floats) -> list[float]:
    seconds = []
    for query in queries:
        started = time.perf_counter()
        index.nearest(query, LIMIT)
        seconds.append(time.perf_counter() - started)
    return seconds


def _open_to_answer(folder: Path, query: NDArray[np.float32]) -> float:
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory(prefix="lychee-bench-") as aside:
        path = Path(aside) / "query.npy"
        np.save(path, query)
        command = [sys.executable, "-c", _OPEN, str(folder), str(path), FINGERPRINT]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    return float(answer.stdout)
