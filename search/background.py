"""Work that a server does beside its searches: one piece at a time, never in a shopper's way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from core.errors import LycheeError

log = logging.getLogger("lychee.search")

AFTER_FAILURE_SECONDS = 30.0
"""A full disk does not empty itself within a second."""


class Background:
    """Runs one piece of work in a thread of its own whenever it is asked for and not running yet."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._name, self._work = name, work
        self._lock = threading.Lock()
        self._not_before = 0.0

    def begin(self) -> None:
        """Begins the work unless it is going on, or has failed a moment ago."""
        if time.monotonic() >= self._not_before and self._lock.acquire(blocking=False):
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        try:
            self._work()
        except (LycheeError, OSError) as error:
            self._not_before = time.monotonic() + AFTER_FAILURE_SECONDS
            log.warning("%s failed and is tried again later: %s", self._name, error)
        finally:
            self._lock.release()
