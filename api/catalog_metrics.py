"""What Prometheus is told of the catalogs and their indexes, looked up whenever it asks."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.errors import LycheeError
from rerank.pair_cache import PairCache
from search.engine import SearchEngine
from search.observing import CatalogState, state_of

_OF_CATALOG = {
    "products": "Products in the catalog.",
    "revision": "How often the catalog was written to.",
}
_OF_INDEX = {
    "vectors": "Vectors that can be found.",
    "changes": "Vectors that are kept in memory, since they came after the publication.",
    "revision": "The catalog's revision that the index knows.",
    "published": "When the index in force was published, in seconds since 1970.",
    "age_seconds": "How long ago that was.",
}


class CatalogMetrics(Collector):
    """Asks the engine; a catalog that can't be asked is said to be down, and spoils no other figure."""

    def __init__(self, engine: SearchEngine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        """The families, with a sample a catalog, or a catalog and channel."""
        up = GaugeMetricFamily(
            "lychee_catalog_up", "Whether the catalog can be searched.", labels=["catalog"]
        )
        states = []
        for name in self._engine.store.names():
            try:
                states.append(state_of(self._engine, name))
                up.add_metric([name], 1)
            except LycheeError:
                up.add_metric([name], 0)
        yield up
        yield from _of_catalogs(states)
        yield from _of_indexes(states)


class JudgedPairs:
    """Counts how often a judge was asked what it had judged before; safe for many threads."""

    def __init__(self, engine: SearchEngine, registry: CollectorRegistry) -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._pairs = Counter(
            "lychee_judge_cache",
            "Pairs of query and product, by whether they were judged before.",
            ("found",),
            registry=registry,
        )
        self._known: WeakKeyDictionary[PairCache, tuple[int, int]] = WeakKeyDictionary()
        for found in ("yes", "no"):
            self._pairs.labels(found)

    def look(self, catalog: str) -> None:
        """Counts what has come to the judge of a catalog that was searched; several catalogs may share it."""
        try:
            stage = self._engine.served(catalog).models.stage
        except LycheeError:  # it was removed meanwhile
            return
        if stage is None:
            return
        with self._lock:
            found, missed = self._known.get(stage.pairs, (0, 0))
            self._known[stage.pairs] = now = stage.pairs.found, stage.pairs.missed
        self._pairs.labels("yes").inc(now[0] - found)
        self._pairs.labels("no").inc(now[1] - missed)


def _of_catalogs(states: list[CatalogState]) -> Iterable[Metric]:
    for field, meaning in _OF_CATALOG.items():
        family = GaugeMetricFamily(f"lychee_catalog_{field}", meaning, labels=["catalog"])
        for state in states:
            family.add_metric([state.name], getattr(state, field))
        yield family


def _of_indexes(states: list[CatalogState]) -> Iterable[Metric]:
    for field, meaning in _OF_INDEX.items():
        family = GaugeMetricFamily(f"lychee_index_{field}", meaning, labels=["catalog", "channel"])
        for state in states:
            for index in state.indexes:
                value = getattr(index, field)
                if value is not None:
                    family.add_metric([state.name, index.channel], value)
        yield family
