"""A catalog as it is served: its indexes, and the models that they were made with, changed over as one."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from core.catalog import Catalog
from core.encoder_choice import EncoderChoice
from core.errors import LycheeError
from search.background import Background
from search.live import CHECK_EVERY_SECONDS, LiveCatalog
from search.models import Models, Shelf


@dataclass(frozen=True, slots=True)
class Serving:
    """Indexes and the encoder of their vectors: a search takes both from here, once."""

    live: LiveCatalog
    models: Models
    choice: EncoderChoice | None
    """What the models were loaded by; None for what the settings say."""


class ServedCatalog:
    """Follows the encoder in force: a new one is loaded in the background while the one before serves on."""

    def __init__(self, catalog: Catalog, data: Path, shelf: Shelf, *, device: str = "cpu") -> None:
        self.catalog = catalog
        self._data, self._shelf, self._device = data, shelf, device
        self._choice = catalog.encoding.encoders().choice
        models = shelf.of(self._choice)
        self._now = Serving(self._live(models.encoder.fingerprint), models, self._choice)
        self._lock = threading.Lock()
        self._checked = time.monotonic()
        self._switching = Background(f"changing {catalog.name} over to another encoder", self._switch)
        self.problem: str | None = None
        """Why the encoder in force is not the one that serves."""

    @property
    def models(self) -> Models:
        """What serves at this moment; nothing is looked up."""
        return self._now.models

    def now(self) -> Serving:
        """What serves; whether that should change is looked up once a second. UnknownCatalog."""
        if time.monotonic() - self._checked > CHECK_EVERY_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._follow()
                self._checked = time.monotonic()
            finally:
                self._lock.release()
        return self._now

    def _follow(self) -> None:
        if self.catalog.encoding.encoders().choice != self._choice:
            self._switching.begin()
        else:
            self.problem = None

    def _switch(self) -> None:
        choice = self.catalog.encoding.encoders().choice
        try:
            models = self._shelf.of(choice)
            fingerprint, live = models.encoder.fingerprint, self._now.live
            if fingerprint != self._now.models.encoder.fingerprint:
                live = self._live(fingerprint)
        except (LycheeError, OSError) as error:
            self.problem = f"{self._now.models.encoder.fingerprint} serves on: {error}"
            raise
        self._now = Serving(live, models, choice)
        self._choice, self.problem = choice, None

    def _live(self, fingerprint: str) -> LiveCatalog:
        return LiveCatalog(self.catalog, self._data, fingerprint, device=self._device)
