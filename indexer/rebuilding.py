"""Rebuilds a catalog's indexes, and switches it to another encoder: beside the one in force, until all is there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.catalog import Catalog
from core.encoder_choice import EncoderChoice
from core.errors import DamagedIndex, EncoderMismatch, EncoderSwitched, IngestRunning
from core.publishing import VECTOR_CHANNELS, index_folder, publish
from core.types import Channel, Keys
from core.vector_index import VectorIndex
from indexer.catching_up import PRODUCTS_AT_ONCE, CatchingUp
from indexer.lock import exclusive, rebuilding
from indexer.report import Watch, Workbench

FOLLOWED = 5_000
"""Changes behind which a published index is still opened sooner than a new one is built."""
PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild did."""

    catalog: str
    encoder: str
    """Fingerprint of the encoder in force afterwards, or of the one that was not finished."""
    switched: bool
    pictures_encoded: int
    texts_encoded: int
    unreadable: int
    """Pictures that are gone from the store or can't be decoded: ingest their products again."""
    seconds: float
    interrupted: bool
    """Ended early: what was encoded is kept, the encoder before is in force, the same call does the rest."""


class Rebuild:
    """One rebuild of a catalog with the bench's encoder, which is put in force at its end if it isn't yet."""

    def __init__(self, bench: Workbench, catalog: Catalog, watch: Watch) -> None:
        self._bench, self._catalog, self._watch = bench, catalog, watch
        self._fingerprint = bench.encoder.fingerprint
        self._catching_up = CatchingUp(bench, catalog, watch)
        self._revision = 0
        """Every product up to it has its vectors, as far as they can be made."""

    def run(
        self, usual: EncoderChoice, waiting: Callable[[], None], *, to: EncoderChoice | None = None
    ) -> RebuildReport:
        """Switches the catalog where `to` names another encoder than the one in force.

        `usual` is what the settings choose; `waiting` is called when an ingest has to end before the switch. Raises
        RebuildRunning, EncoderSwitched, and DataFolderProblem when the disk is full: the encoder in force stays then.
        """
        started = time.perf_counter()
        with rebuilding(self._bench.data, self._catalog.name):
            encoders = self._catalog.encoding.encoders()
            if to is None and self._bench.choice != encoders.choice:
                raise EncoderSwitched(self._catalog.name, str(encoders.choice))
            in_force = encoders.choice or usual
            target = to or in_force
            switching = target != in_force
            done = self._built(in_force=not switching)
            if done and switching:
                done = self._switched(target, in_force, encoders.fingerprint, waiting)
            elif done:
                self._noted()
        return RebuildReport(
            catalog=self._catalog.name,
            encoder=self._fingerprint,
            switched=switching and done,
            pictures_encoded=self._catching_up.pictures,
            texts_encoded=self._catching_up.texts,
            unreadable=len(self._catching_up.unreadable),
            seconds=round(time.perf_counter() - started, 3),
            interrupted=not done,
        )

    def _built(self, *, in_force: bool) -> bool:
        """Encodes what is missing and publishes, while searches and ingests go on; False where it was ended early."""
        revision = self._catalog.revision()
        missing = self._catalog.encoding.missing(self._fingerprint)
        if not in_force:
            self._distrust(missing)
        self._watch.begin(len(missing))
        if not self._catching_up.encode(missing, in_force=in_force):
            return False
        self._revision = revision
        if len(missing) > PRODUCTS_AT_ONCE and not self._caught_up(in_force=in_force):
            return False
        self._watch.publishing()
        if in_force or not self._is_near():
            publish(self._bench.data, self._catalog, self._fingerprint, revision=self._revision)
        return True

    def _caught_up(self, *, in_force: bool) -> bool:
        """Encodes until hardly anything is missing that an ingest has added meanwhile."""
        while True:
            revision = self._catalog.revision()
            missing = self._catalog.encoding.missing(self._fingerprint, since=self._revision)
            if not self._catching_up.encode(missing, in_force=in_force):
                return False
            self._revision = revision
            if len(missing) <= PRODUCTS_AT_ONCE:
                return True

    def _switched(
        self,
        target: EncoderChoice,
        before: EncoderChoice,
        before_fingerprint: str | None,
        waiting: Callable[[], None],
    ) -> bool:
        """Puts the encoder in force while no ingest runs, which would go on with the one before."""
        while not self._watch.stopping():
            with suppress(IngestRunning), exclusive(self._bench.data, self._catalog.name):
                missing = self._catalog.encoding.missing(self._fingerprint, since=self._revision)
                if len(missing) <= PRODUCTS_AT_ONCE and self._catching_up.encode(missing, in_force=False):
                    self._catalog.encoding.switch(
                        target, self._fingerprint, before=before, before_fingerprint=before_fingerprint
                    )
                    return True
            waiting()
            time.sleep(PATIENCE_SECONDS)
            if not self._caught_up(in_force=False):
                return False
        return False

    def _noted(self) -> None:
        # An ingest that runs right now sees to it at its own end.
        with suppress(IngestRunning), exclusive(self._bench.data, self._catalog.name):
            missing = self._catalog.encoding.missing(self._fingerprint, since=self._revision)
            if self._catching_up.encode(missing, in_force=True):
                self._catalog.encoding.note(self._fingerprint)

    def _distrust(self, missing: Keys) -> None:
        """Takes away an index that should have what is missing: following changes, it would never learn of it."""
        for channel in VECTOR_CHANNELS:
            index = self._published(channel)
            if index is None or len(np.setdiff1d(missing, self._catalog.changed_since(index.revision))):
                shutil.rmtree(self._folder(channel).parent, ignore_errors=True)

    def _is_near(self) -> bool:
        """Whether the published indexes are but a few changes behind."""
        indexes = [self._published(channel) for channel in VECTOR_CHANNELS]
        return all(
            index is not None and len(self._catalog.changed_since(index.revision)) <= FOLLOWED
            for index in indexes
        )

    def _published(self, channel: Channel) -> VectorIndex | None:
        try:
            return VectorIndex.open(self._folder(channel), fingerprint=self._fingerprint)
        except (FileNotFoundError, DamagedIndex, EncoderMismatch):
            return None

    def _folder(self, channel: Channel) -> Path:
        return index_folder(self._bench.data, self._catalog.name, channel, self._fingerprint)
