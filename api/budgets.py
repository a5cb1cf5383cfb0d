"""How much work each visitor may ask for: the one module that knows the library `limits`."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, field

from limits import parse
from limits.errors import ConfigurationError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from core.door_errors import TooMuchWork
from core.errors import InvalidSetting, MissingExtra
from search.judging import Judging

IN_MEMORY = "memory://"
OWN_COUNT_SECONDS = 10.0
"""How long each process counts for itself once the store is out of reach, before it is asked again."""
log = logging.getLogger("lychee.api")


@dataclass(frozen=True, slots=True)
class Work:
    """What a request costs, in units: one for finding, one for each candidate or document that is judged."""

    units: int

    @classmethod
    def of_search(cls, judging: Judging, *, has_judge: bool) -> Work:
        """A search costs what its second stage may judge."""
        return cls(1 + (judging.depth if judging.enabled and has_judge else 0))

    @classmethod
    def of_judging(cls, documents: int, *, both_ways: bool) -> Work:
        """Each document costs one, or two where the roles are swapped, too."""
        return cls(max(1, documents) * (2 if both_ways else 1))


class Budgets:
    """Counts by visitor over sliding windows, in memory or in Redis; safe for many threads.

    Where Redis is gone, each process counts for itself: a shop that searches on is worth more than an exact count.
    """

    def __init__(self, rate: str | None, store: str = IN_MEMORY) -> None:
        """`rate` as in the settings, for whoever has none of his own; InvalidSetting, MissingExtra."""
        self._rate = rate
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = None if store == IN_MEMORY else SlidingWindowCounterRateLimiter(_opened(store))
        self._outage = _Outage()

    def charge(self, visitor: str, work: Work, rate: str | None = None) -> None:
        """Takes the work from what the visitor has left; TooMuchWork where that isn't enough."""
        allowed = rate or self._rate
        if allowed is not None and not self._taken_from_store(visitor, work, allowed):
            _take(self._own, visitor, work, allowed)

    def _taken_from_store(self, visitor: str, work: Work, rate: str) -> bool:
        """False where there is no store that all processes share, or it is out of reach; TooMuchWork."""
        if self._shared is None or not self._outage.over():
            return False
        try:
            _take(self._shared, visitor, work, rate)
        except TooMuchWork:
            raise
        except Exception as error:  # whatever a store's client raises, searching goes on
            self._outage.begin()
            log.warning("rate limits: the store is out of reach (%s); counting here", type(error).__name__)
            return False
        return True


@dataclass(slots=True)
class _Outage:
    """Until when the store isn't asked."""

    until: float = field(default=-math.inf)

    def over(self) -> bool:
        return time.monotonic() >= self.until

    def begin(self) -> None:
        self.until = time.monotonic() + OWN_COUNT_SECONDS


def _take(limiter: SlidingWindowCounterRateLimiter, visitor: str, work: Work, rate: str) -> None:
    item = parse(rate)
    # What costs more than a whole window takes all of one: it would never be let in otherwise.
    if not limiter.hit(item, visitor, cost=min(work.units, item.amount)):
        left = limiter.get_window_stats(item, visitor).reset_time - time.time()
        raise TooMuchWork(rate, work.units, min(max(1, math.ceil(left)), item.get_expiry()))


def _opened(store: str) -> Storage:
    # The address may hold a password.
    shown = f"{store.partition('://')[0]}://…"
    try:
        # Short waits: a search must not stand still for its count.
        opened = storage_from_string(store, socket_timeout=0.25, socket_connect_timeout=0.25)
    except ConfigurationError as error:
        if "prerequisite" in str(error):
            raise MissingExtra(f"LYCHEE_RATE_STORE={shown}", "redis") from error
        raise InvalidSetting("LYCHEE_RATE_STORE", shown, str(error)) from error
    except Exception as error:
        raise InvalidSetting("LYCHEE_RATE_STORE", shown, str(error)[:120]) from error
    return opened  # type: ignore[return-value]  # one of its asynchronous kind is never asked for
