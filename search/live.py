"""A catalog as it is being served: published indexes plus whatever has been written since."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from core.catalog import Catalog
from core.errors import DamagedIndex, EncoderMismatch
from core.publishing import (
    VECTOR_CHANNELS,
    changes_since,
    index_folder,
    publish_changes,
    publish_channel,
    repair_channel,
)
from core.types import Channel
from core.vector_index import VectorIndex
from search.background import Background

log = logging.getLogger("lychee.search")

CHECK_EVERY_SECONDS = 1.0
"""How soon a running server sees what an ingest has committed."""
FOLDED_ROWS = 8_192
"""So many changed rows in memory are searched within a millisecond or two; more are published in the background."""


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

    def __init__(self, catalog: Catalog, data: Path, fingerprint: str, *, device: str = "cpu") -> None:
        """`device` as in the settings: indexes go onto a graphics card where FAISS has one."""
        self.catalog = catalog
        self._data, self._fingerprint, self._device = data, fingerprint, device
        self._lock = threading.Lock()
        self._folding = Background(f"publishing what changed in {catalog.name}", self._fold)
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

    def published(self, channel: Channel) -> float | None:
        """When the channel's index on the disk was published, in seconds since 1970; None where it is gone."""
        try:
            return self._folder(channel).stat().st_mtime
        except FileNotFoundError:
            return None

    def _open(self, channel: Channel) -> VectorIndex:
        """The published index, or a new one built from the rows when it is missing, damaged or not its own."""
        try:
            index = self._opened(channel)
            if index.revision <= self.catalog.revision():
                return index
            # The rows were put back from a backup: the index knows products that never were.
            publish_channel(self._data, self.catalog, channel, self._fingerprint)
            return self._opened(channel)
        except (FileNotFoundError, DamagedIndex, EncoderMismatch):
            repair_channel(self._data, self.catalog, channel, self._fingerprint)
            return self._opened(channel)

    def _opened(self, channel: Channel, before: VectorIndex | None = None) -> VectorIndex:
        return VectorIndex.open(
            self._folder(channel), fingerprint=self._fingerprint, before=before, device=self._device
        )

    def _folder(self, channel: Channel) -> Path:
        return index_folder(self._data, self.catalog.name, channel, self._fingerprint)

    def _follow(self, snapshot: Snapshot) -> Snapshot:
        revision = self.catalog.revision()
        followed = Snapshot(
            *(self._caught_up(snapshot.of(channel), channel, revision) for channel in VECTOR_CHANNELS)
        )
        if any(followed.of(channel).changes > FOLDED_ROWS for channel in VECTOR_CHANNELS):
            self._folding.begin()
        return followed

    def _caught_up(self, index: VectorIndex, channel: Channel, revision: int) -> VectorIndex:
        index = self._over_newest(index, channel)
        if index.revision >= revision:
            return index
        changes = changes_since(self.catalog, channel, self._fingerprint, index.revision)
        return index.with_changes(changes.batches, changes.gone, changes.revision)

    def _over_newest(self, index: VectorIndex, channel: Channel) -> VectorIndex:
        """The newest publication, even one that knows less than this index: less is kept in memory over it."""
        folder = self._folder(channel)
        try:
            if index.is_over(folder):
                return index
            return self._opened(channel, index)
        except (FileNotFoundError, DamagedIndex, EncoderMismatch):
            # Somebody harmed the files. What is open serves on, while they are made anew from the rows.
            self._folding.begin()
            return index
        except OSError as error:
            # No descriptor free, a disk that fails: what is open needs neither.
            log.warning("the index in %s can't be looked at: %s", folder, error)
            return index

    def _fold(self) -> None:
        for channel in VECTOR_CHANNELS:
            publish_changes(self._data, self.catalog, channel, self._fingerprint, gently=True)
