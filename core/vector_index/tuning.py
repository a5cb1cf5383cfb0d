"""How hard a coded index must look for a wanted recall, measured on vectors of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.types import Keys
from core.vector_index.native import faiss
from core.vector_index.quick import Effort, QuickIndex, stretches
from core.vector_index.rows import Floats
from core.vector_index.search import Part

RECALL = 0.98
"""Part of the hundred nearest rows that a search should find where nobody asks for more."""
SAMPLE_ROWS = 200
SHORT, LONG = 10, 100
"""The two lengths of answer that recall is measured at."""
DEEPEST_POOL = 4_000
MARGIN = 0.1
"""A sample errs: a tenth of what the target allows to be missed is kept in hand."""
DISTURBANCE = 0.5
SEED = 20_26
SCAN_NS_A_BYTE, RESCORE_NS_A_BYTE, RESCORE_NS_A_ROW = 0.1, 0.5, 300.0
"""What the two halves of a search cost, to choose by; measured times would choose anew at every build."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to search, and what it finds and costs."""

    effort: Effort
    recall_short: float
    recall_long: float
    """Parts of the ten and of the hundred nearest rows found."""
    cost_ns: float
    """Computed, for a hundred wanted rows."""


class Sample:
    """Rows that stand for the queries to come, and which rows are really nearest to them."""

    def __init__(self, keys: Keys, vectors: NDArray[np.float16], asked: Floats | None = None) -> None:
        """Half of the sample are `asked` where given: vectors like those that will be searched with."""
        generator = np.random.default_rng(SEED)
        own_rows = SAMPLE_ROWS if asked is None or not len(asked) else SAMPLE_ROWS // 2
        rows = np.sort(generator.choice(len(keys), min(own_rows, len(keys)), replace=False))
        parts = [_seen_anew(vectors, rows, generator)]
        own = [keys[rows]]
        if asked is not None and len(asked):
            picked = generator.choice(len(asked), min(SAMPLE_ROWS // 2, len(asked)), replace=False)
            parts.append(np.asarray(asked[picked], np.float32))
            own.append(np.full(len(picked), -1, np.int64))
        self.queries: Floats = np.ascontiguousarray(np.concatenate(parts))
        self._own = np.concatenate(own)
        """The key whose own rows don't count as found: a row is always nearest to itself."""
        self._keys = keys
        self._best = np.full((len(self.queries), 0), -2.0, np.float32)
        self._best_rows = np.empty((len(self.queries), 0), np.int64)

    def see(self, first: int, stretch: Floats) -> None:
        """Takes note of a stretch of rows that begins with row `first`."""
        found, rows = faiss.knn(
            self.queries, stretch, min(4 * LONG, len(stretch)), metric=faiss.METRIC_INNER_PRODUCT
        )
        rows = rows + first
        found[self._keys[rows] == self._own[:, None]] = -2.0
        best = np.concatenate([self._best, found], axis=1)
        best_rows = np.concatenate([self._best_rows, rows], axis=1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :LONG]
        self._best = np.take_along_axis(best, order, axis=1)
        self._best_rows = np.take_along_axis(best_rows, order, axis=1)

    def trials(self, quick: QuickIndex, recall: float) -> Iterator[Trial]:
        """For each number of lists the smallest pool that reaches the recall; none where it isn't reached.

        Ends where scanning alone would cost more than the best trial so far.
        """
        target = recall + (1.0 - recall) * MARGIN
        truth = self._keys[self._best_rows]
        least_ns = np.inf
        for probes in _probes(quick.lists):
            if _scan_ns(quick, probes) > least_ns:
                return
            found = quick.near_many(self.queries, min(DEEPEST_POOL, len(quick)), probes=probes)
            places = np.stack([_places(*each) for each in zip(truth, found, self._own, strict=True)])
            short, long = (_pool_for(places[:, :count], target) for count in (SHORT, LONG))
            if long is None or short is None:
                continue
            slope = max(1.0, (long - short) / (LONG - SHORT))
            effort = Effort(probes, max(0, round(short - slope * SHORT)), round(slope, 2))
            cost_ns = _scan_ns(quick, probes) + _rescore_ns(quick, effort.pool(LONG))
            least_ns = min(least_ns, cost_ns)
            yield Trial(
                effort,
                float((places[:, :SHORT] < effort.pool(SHORT)).mean()),
                float((places < effort.pool(LONG)).mean()),
                cost_ns,
            )


@dataclass(frozen=True, slots=True)
class Tuned:
    """What the searches of one segment of codes were set to, and what that finds and costs."""

    name: str
    rows: int
    lists: int
    effort: Effort
    trial: Trial | None
    """None where no way reaches the recall: nearly everything is looked at then."""
    milliseconds: float
    """The median of searches for a hundred products, measured."""
    bytes_a_row: float
    """Codes, keys and centroids in memory, stored vectors; long features come on top."""


def tuned(part: Part, quick: QuickIndex, sample: Sample, recall: float, *, index_bytes: int) -> Tuned:
    """Measures a segment that was built before; `index_bytes` is what it takes without long features."""
    segment = part.segment
    for first, stretch in stretches(part.rows.halves):
        sample.see(first, stretch)
    trial = cheapest(sample, quick, recall)
    effort = effort_of(trial, quick)
    searched = Part.of(replace(segment, effort=effort), part.hidden)
    seconds = [_seconds(searched, query) for query in sample.queries]
    return Tuned(
        segment.name,
        len(quick),
        quick.lists,
        effort,
        trial,
        milliseconds=1000 * float(np.median(seconds)),
        bytes_a_row=index_bytes / len(quick),
    )


def _seconds(part: Part, query: Floats) -> float:
    started = time.perf_counter()
    part.nearest(query, LONG, None)
    return time.perf_counter() - started


def cheapest(sample: Sample, quick: QuickIndex, recall: float) -> Trial | None:
    """The cheapest way that reaches the recall; None where none does."""
    return min(sample.trials(quick, recall), key=lambda trial: trial.cost_ns, default=None)


def effort_of(trial: Trial | None, quick: QuickIndex) -> Effort:
    """That of the trial; without one, nearly everything is looked at."""
    return Effort(quick.lists, DEEPEST_POOL, DEEPEST_POOL / LONG) if trial is None else trial.effort


def _seen_anew(
    vectors: NDArray[np.float16], rows: NDArray[np.int64], generator: np.random.Generator
) -> Floats:
    """The rows, every other one as a shopper's own picture might show it: shape (n, dim), length 1.

    What is asked is rarely what is there, and rows lie where others are near: with rows alone, searches would be
    set to find too little of what others ask. Those moved are moved by half the difference of two other rows.
    """
    first, second = generator.integers(0, len(vectors), (2, len(rows) // 2))
    seen = vectors[rows].astype(np.float32)
    seen[1::2] += DISTURBANCE * (vectors[first].astype(np.float32) - vectors[second])
    seen /= np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1e-6)
    return seen


def _probes(lists: int) -> list[int]:
    """Numbers of lists to try, from a hundredth of them to all, each about a third more than the one before."""
    shares = 0.01 * 1.35 ** np.arange(17)
    return sorted({max(1, min(lists, round(lists * share))) for share in shares} | {lists})


def _places(truth: Keys, found: Keys, own: int) -> NDArray[np.int64]:
    """At which place each of the true keys was found first; past the end where it wasn't."""
    wanted, which = np.unique(truth, return_inverse=True)
    kept = found[found != own]
    matching = np.minimum(np.searchsorted(wanted, kept), len(wanted) - 1)
    hits = np.flatnonzero(wanted[matching] == kept)
    places = np.full(len(wanted), len(found) + 1)
    # From the last to the first, so that a key found twice keeps the place where it was found first.
    places[matching[hits][::-1]] = hits[::-1]
    return places[which]


def _pool_for(places: NDArray[np.int64], target: float) -> int | None:
    """How many of the found rows hold the wanted part of the true ones."""
    needed = int(np.ceil(target * places.size)) - 1
    pool = int(np.sort(places, axis=None)[needed]) + 1
    return None if pool > DEEPEST_POOL else pool


def _scan_ns(quick: QuickIndex, probes: int) -> float:
    scanned = len(quick) * probes / quick.lists * quick.code_bytes
    return (scanned + quick.lists * 4 * quick.dim) * SCAN_NS_A_BYTE


def _rescore_ns(quick: QuickIndex, pool: int) -> float:
    return pool * (2 * quick.dim * RESCORE_NS_A_BYTE + RESCORE_NS_A_ROW)
