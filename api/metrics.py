"""What Prometheus is told of a running server; prometheus_client is known here alone."""

from __future__ import annotations

from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from api.catalog_metrics import CatalogMetrics, JudgedPairs
from api.crew import ALONE, Crew
from api.process_metrics import AllProcesses
from search.answer import Answer
from search.engine import SearchEngine

STAGES = ("encode", "recall", "metadata", "rerank")
STATUSES = ("full", "partial", "skipped", "failed")
_STAGE_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 5, 10)
_REQUEST_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_CANDIDATES = (0, 1, 10, 50, 100, 200, 300, 500, 1_000, 2_000)


class Metrics:
    """The numbers of one server; safe for many threads. No label holds what somebody has sent.

    Where the server is a crew, what is counted is summed over it, and what is looked up is looked up once.
    """

    def __init__(self, engine: SearchEngine, crew: Crew = ALONE) -> None:
        self._counts, self._registry, self._seen = crew.counts, CollectorRegistry(), CollectorRegistry()
        Info("lychee_build", "The release that serves.", registry=self._seen).info(
            {"version": version("lychee-search")}
        )
        self._seen.register(CatalogMetrics(engine))
        if crew.counts is None:
            ProcessCollector(registry=self._seen)
        else:
            self._seen.register(AllProcesses())
        self._pairs = JudgedPairs(engine, self._registry)
        self.in_flight = Gauge(
            "lychee_requests_in_flight",
            "Requests that are being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._requests = Counter(
            "lychee_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "lychee_request_seconds",
            "How long requests took.",
            ("route",),
            buckets=_REQUEST_SECONDS,
            registry=self._registry,
        )
        self._observe_searches()

    def _observe_searches(self) -> None:
        self._stages = Histogram(
            "lychee_stage_seconds",
            "How long the stages of searches took.",
            ("stage",),
            buckets=_STAGE_SECONDS,
            registry=self._registry,
        )
        self._candidates = Histogram(
            "lychee_candidates", "Candidates of a search.", buckets=_CANDIDATES, registry=self._registry
        )
        self._judged = Counter("lychee_judged", "Candidates that were judged.", registry=self._registry)
        self._answers = Counter(
            "lychee_answers", "Searches by how far their judge came.", ("rerank",), registry=self._registry
        )
        # All from the first scrape on: a rate over a series that appears with its first event misses that event.
        for stage in STAGES:
            self._stages.labels(stage)
        for status in STATUSES:
            self._answers.labels(status)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request has ended; `route` is a pattern of ours, never an address."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def searched(self, answer: Answer, catalog: str) -> None:
        """A search in a catalog was answered."""
        for stage in STAGES:
            milliseconds = getattr(answer.took, stage)
            # A further page of a window encodes, recalls and judges nothing.
            if milliseconds:
                self._stages.labels(stage).observe(milliseconds / 1000)
        total = answer.total
        self._candidates.observe(total.value + total.hidden_below_band + total.hidden_unjudged)
        self._judged.inc(answer.rerank.scored)
        self._answers.labels(answer.rerank.status).inc()
        self._pairs.look(catalog)

    def scrape(self) -> bytes:
        """All of it, in Prometheus' text format."""
        counted = self._registry
        if self._counts is not None:
            counted = CollectorRegistry()
            MultiProcessCollector(counted, str(self._counts))  # type: ignore[no-untyped-call]
        return generate_latest(counted) + generate_latest(self._seen)


def forget_process(pid: int, crew: Crew) -> None:
    """A process of a crew has ended: what it counted stays, what it was about to do doesn't."""
    mark_process_dead(pid, str(crew.counts))  # type: ignore[no-untyped-call]
