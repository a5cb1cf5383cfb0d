"""A catalog as it is being served: published indexes plus whatever has been written since."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.catalog import Catalog
from core.errors import DamagedIndex, EncoderMismatch
from core.publishing import VECTOR_CHANNELS, index_folder, publish_channel
from core.types import Channel
from core.vector_index import VectorIndex

CHECK_EVERY_SECONDS = 1.0
"""How soon a running server sees what an ingest has committed."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent state of a catalog's vector channels; immutable, so that a search never sees half a change."""

    picture: VectorIndex
    text: VectorIndex

    def of(self, channel: Channel) -> VectorIndex:
        """The index of a vector channel."""
        return self.picture if channel is Channel.PICTURE else self.text


class LiveCatalog:
    """Keeps a catalog's snapshot fresh: opens or repairs it at first, then follows the catalog's revision."""

    def __init__(self, catalog: Catalog, data: Path, fingerprint: str) -> None:
        self.catalog = catalog
        self._data, self._fingerprint = data, fingerprint
        self._lock = threading.Lock()
        self._checked = time.monotonic()
        self._snapshot = self._follow(Snapshot(*(self._open(channel) for channel in VECTOR_CHANNELS)))

    def snapshot(self) -> Snapshot:
        """The newest state, checked at most once a second; one thread refreshes, the others go on with the last."""
        if time.monotonic() - self._checked > CHECK_EVERY_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._snapshot = self._follow(self._snapshot)
                self._checked = time.monotonic()
            finally:
                self._lock.release()
        return self._snapshot

    def _open(self, channel: Channel) -> VectorIndex:
        """The published index, or a new one built from the rows when it is missing, damaged or not its own."""
        try:
            folder = index_folder(self._data, self.catalog.name, channel, self._fingerprint)
            return VectorIndex.open(folder, fingerprint=self._fingerprint)
        except (FileNotFoundError, DamagedIndex, EncoderMismatch):
            return publish_channel(self._data, self.catalog, channel, self._fingerprint)

    def _follow(self, snapshot: Snapshot) -> Snapshot:
        revision = self.catalog.revision()
        return Snapshot(
            *(self._caught_up(snapshot.of(channel), channel, revision) for channel in VECTOR_CHANNELS)
        )

    def _caught_up(self, index: VectorIndex, channel: Channel, revision: int) -> VectorIndex:
        if index.revision >= revision:
            return index
        published = self._open(channel)
        newest = published if published.revision > index.revision else index
        if newest.revision >= revision:
            return newest
        since = newest.revision
        # A product that has changed may have no vector left in this channel, so it is named as gone, too.
        gone = np.union1d(self.catalog.removed_since(since), self.catalog.changed_since(since))
        changed = self.catalog.vectors(channel, self._fingerprint, since=since)
        return newest.with_changes(changed, gone, revision)
