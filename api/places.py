"""Places for work: so many requests at once, a short queue for more, and for nobody a wait that leads to nothing."""

from __future__ import annotations

import asyncio
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from anyio import from_thread

from core.door_errors import ServerBusy
from core.settings import Settings

_AGAIN_AFTER_SECONDS = 1
_NEWEST_SHARE = 0.05
_OVERLOADED = 0.8
"""Share of the time without a free place from which on a queue is no burst any more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work one process takes on."""

    at_once: int
    queue: int
    """Requests that wait for their turn; further ones are refused at once."""
    queue_seconds: float
    """How long a burst may wait; see `Places`."""
    request_seconds: float
    """After which a request that has no answer yet is given up."""

    @classmethod
    def of(cls, settings: Settings, workers: int = 1) -> Limits:
        """`at_once` as the settings say; else one, or as many as the worker has cores where the judge is mostly waited for.

        Recall and the lite judge are Python for the most part: of two such searches in one process each takes twice as
        long, and no more are answered in a second. bench/load.py measures it.
        """
        usual = 1
        if settings.reranker_name in ("lychee", "remote"):
            usual = max(2 if workers == 1 else 1, len(os.sched_getaffinity(0)) // workers)
        return cls(
            settings.at_once or usual, settings.queue, settings.queue_ms / 1000, settings.request_seconds
        )


_Turn = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class Places:
    """Places for work, handed on in the order of asking; safe for many threads and event loops.

    A burst is waited through. Where no place has been free for most of the time that a burst may wait, waiting makes
    nothing better: from then on nobody waits longer than a piece of work usually takes, so that who is served is served
    soon, and the others hear at once that they must come again (the two delays of Maurer, "Fail at Scale", ACM Queue
    13(8), 2015; what is looked at is the places, since a queue of short waits empties now and then under any load).
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._free, self._clock = limits, limits.at_once, clock
        self._waiting: deque[_Turn] = deque()
        self._lock = threading.Lock()
        self._taken_share, self._known = 0.0, clock()
        self._usual_seconds = limits.queue_seconds

    async def take(self) -> None:
        """Waits for a place; ServerBusy where too many wait already, or the wait is over."""
        turn = _turn()
        with self._lock:
            if self._taken():
                return
            if len(self._waiting) >= self._limits.queue:
                raise ServerBusy(_AGAIN_AFTER_SECONDS)
            self._waiting.append(turn)
            patience = self._patience()
        try:
            await asyncio.wait_for(asyncio.shield(turn[1]), patience)
        except BaseException as error:
            if self._left(turn):
                raise (
                    ServerBusy(_AGAIN_AFTER_SECONDS) if isinstance(error, TimeoutError) else error
                ) from None
            if not isinstance(error, TimeoutError):
                self.give()
                raise

    async def take_again(self) -> None:
        """Waits for a place before everybody else, however long: who had one has begun."""
        turn = _turn()
        with self._lock:
            if self._taken():
                return
            self._waiting.appendleft(turn)
        try:
            await asyncio.shield(turn[1])
        except BaseException:
            if not self._left(turn):
                self.give()
            raise

    def _taken(self) -> bool:
        self._look()
        if self._free:
            self._free -= 1
            return True
        return False

    def _look(self) -> None:
        """Brings the share of the time in which every place was taken up to now; older times count less and less."""
        now = self._clock()
        newest = -math.expm1((self._known - now) / self._limits.queue_seconds)
        self._taken_share += (float(not self._free) - self._taken_share) * newest
        self._known = now

    def _patience(self) -> float:
        """Seconds that who comes now may wait."""
        burst = self._limits.queue_seconds
        return burst if self._taken_share < _OVERLOADED else min(self._usual_seconds, burst)

    def free(self, seconds: float) -> None:
        """Work that took so long has ended; the mean of the last few dozen is what is usual."""
        with self._lock:
            self._usual_seconds += (seconds - self._usual_seconds) * _NEWEST_SHARE
        self.give()

    def give(self) -> None:
        """Hands the place to who has waited longest."""
        with self._lock:
            if not self._waiting:
                self._look()
                self._free += 1
                return
            loop, turn = self._waiting.popleft()
        try:
            loop.call_soon_threadsafe(_begin, turn)
        except RuntimeError:  # its loop is closed: nobody waits there any more
            self.give()

    def _left(self, turn: _Turn) -> bool:
        """Leaves the queue; False for who was just given a place."""
        with self._lock:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True


@contextmanager
def elsewhere() -> Iterator[None]:
    """Lets others work while a request waits for another machine; to be used in the threads that routes run in."""
    places = HELD.get()
    if places is None:
        yield
        return
    places.give()
    try:
        yield
    finally:
        from_thread.run(places.take_again)


def _turn() -> _Turn:
    loop = asyncio.get_running_loop()
    return loop, loop.create_future()


def _begin(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


REFUSED: ContextVar[ServerBusy | None] = ContextVar("REFUSED", default=None)
"""Why a page has to be shown without its answer: there was no place for it."""
HELD: ContextVar[Places | None] = ContextVar("HELD", default=None)
"""Where the request that is being worked on has its place."""
