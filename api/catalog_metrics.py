"""What Prometheus is told of the catalogs and their indexes, looked up whenever it asks."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.errors import LycheeError
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
        yield self._pairs(states)

    def _pairs(self, states: list[CatalogState]) -> Metric:
        pairs = CounterMetricFamily(
            "lychee_judge_cache",
            "Pairs of query and product, by whether they were judged before.",
            labels=["found"],
        )
        caches = {id(state.pairs): state.pairs for state in states if state.pairs is not None}.values()
        pairs.add_metric(["yes"], sum(cache.found for cache in caches))
        pairs.add_metric(["no"], sum(cache.missed for cache in caches))
        return pairs


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
