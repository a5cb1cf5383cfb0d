"""How each catalog is being served at this moment: for whoever watches a server."""

from __future__ import annotations

import time
from dataclasses import dataclass

from core.publishing import VECTOR_CHANNELS
from core.types import Channel
from search.engine import SearchEngine
from search.live import LiveCatalog


@dataclass(frozen=True, slots=True)
class IndexState:
    """One vector channel as it is searched."""

    channel: str
    vectors: int
    changes: int
    """Of these, kept in memory since they came after the publication."""
    revision: int
    """The catalog's, that the index knows."""
    published: float | None
    """When the index on the disk was published, in seconds since 1970; None where it is gone."""

    @property
    def age_seconds(self) -> float | None:
        """How long ago that was."""
        return None if self.published is None else max(0.0, time.time() - self.published)


@dataclass(frozen=True, slots=True)
class CatalogState:
    """One catalog as it is searched."""

    name: str
    products: int
    revision: int
    indexes: tuple[IndexState, ...]


def state_of(engine: SearchEngine, name: str) -> CatalogState:
    """How a catalog is served now, opened where it was not; raises what the engine raises."""
    served = engine.served(name)
    now = served.now()
    return CatalogState(
        name=name,
        products=served.catalog.size(),
        revision=served.catalog.revision(),
        indexes=tuple(_index_state(now.live, channel) for channel in VECTOR_CHANNELS),
    )


def _index_state(live: LiveCatalog, channel: Channel) -> IndexState:
    index = live.snapshot().of(channel)
    return IndexState(channel.value, len(index), index.changes, index.revision, live.published(channel))
