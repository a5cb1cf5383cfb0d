"""How many connections a server holds: where they would use up its file descriptors, those that say nothing make room."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Collection
from typing import Protocol

SHARE = 0.5
"""Of the files that a process may open: the rest is for the catalog, its indexes and pictures."""
AT_ONCE = 0.1
"""Part of the connections that are closed together, so that not each new one looks at all."""
log = logging.getLogger("lychee.api")


class Holding(Protocol):
    """A connection that is held."""

    def quiet_since(self) -> float | None:
        """When it last was heard of; None where a request of it is under way, or it is closing."""

    def let_go(self) -> None:
        """Closes it."""


def most_connections() -> int:
    """What this process can hold."""
    return max(8, int(SHARE * resource.getrlimit(resource.RLIMIT_NOFILE)[0]))


def make_room(held: Collection[Holding], most: int) -> bool:
    """Closes those that have been quiet the longest, where there are too many; False where none is quiet."""
    if len(held) < most:
        return True
    quiet = [(since, each) for each in held if (since := each.quiet_since()) is not None]
    quiet.sort(key=lambda known: known[0])
    chosen = quiet[: max(1, int(AT_ONCE * most))]
    for _, each in chosen:
        each.let_go()
    log.warning("%d connections are open; closed %d that said nothing", len(held), len(chosen))
    return bool(chosen)


class OneASecond(logging.Filter):
    """Lets the complaint pass that no connection can be accepted once a second: asyncio makes thousands of it."""

    def __init__(self) -> None:
        super().__init__()
        self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """False for one that was made a moment ago."""
        if "out of system resource" not in record.getMessage():
            return True
        now = time.monotonic()
        if now - self._last < 1.0:
            return False
        self._last = now
        return True
