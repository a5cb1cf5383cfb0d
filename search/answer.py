"""What a search answers: hits, totals and facets over one window, and how each stage went."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.types import Hit

RerankStatus = Literal["full", "partial", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Total:
    """How many products the answer's window holds."""

    value: int
    exact: bool
    """False where recall stopped at the window's size, or judging at its depth, and more may fit."""
    hidden_below_band: int = 0
    """What was judged to be less than the band that was asked for."""
    hidden_unjudged: int = 0
    """What was not judged, and so can't be said to reach that band."""


@dataclass(frozen=True, slots=True)
class RerankReport:
    """How the second stage went."""

    status: RerankStatus
    scored: int = 0
    of: int = 0
    reason: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Lap:
    """When a stage ran, in seconds of time.perf_counter()."""

    stage: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds a stage."""

    encode: float = 0.0
    recall: float = 0.0
    rerank: float = 0.0
    metadata: float = 0.0
    """Reading the page's products and the facets."""
    total: float = 0.0
    began: float = 0.0
    """When the search did, in seconds of time.perf_counter()."""
    laps: tuple[Lap, ...] = ()


class Stopwatch:
    """Takes the time of one search, stage after stage."""

    def __init__(self) -> None:
        self._started = self._last = time.perf_counter()
        self._milliseconds = dict.fromkeys(("encode", "recall", "rerank", "metadata"), 0.0)
        self._laps: list[Lap] = []

    def skip(self) -> None:
        """What went by since the last stage belongs to none."""
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """The stage has ended."""
        now = time.perf_counter()
        self._milliseconds[stage] += 1000 * (now - self._last)
        self._laps.append(Lap(stage, self._last, now))
        self._last = now

    def took(self) -> Timings:
        """The stages so far."""
        total = 1000 * (time.perf_counter() - self._started)
        return Timings(**self._milliseconds, total=total, began=self._started, laps=tuple(self._laps))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; hits, total and facets are counted over the same window."""

    query_id: str
    hits: tuple[Hit, ...]
    total: Total
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    cursor: str | None = None
    rerank: RerankReport = field(
        default_factory=lambda: RerankReport("skipped", reason="no reranker is set up")
    )
    took: Timings = field(default_factory=Timings)
    is_final: bool = True
    """False for recall's order that comes ahead of the judge's."""
    understood: tuple[str, ...] = ()
    """What the query was read as: `color:black`, `not pattern:striped`, `price < 100`."""
