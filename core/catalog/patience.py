"""A PostgreSQL server that takes a question and never answers: how long it is waited for; alone knows psycopg."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.rows import TupleRow

READING_SECONDS = 30.0
"""Of silence, in which a search would have been given up anyway."""
WRITING_SECONDS = 600.0
"""Whoever removes a catalog of millions hears nothing for minutes."""
_WRITES: ContextVar[bool] = ContextVar("writes", default=False)

Answer = TypeVar("Answer")
Waits = Generator[Any, Any, Answer]


def connect(*place: str, **facts: Any) -> PatientConnection:
    """A connection that gives up."""
    return PatientConnection.connect(*place, **facts)


@contextmanager
def waiting_longer() -> Iterator[None]:
    """For who writes."""
    before = _WRITES.set(True)
    try:
        yield
    finally:
        _WRITES.reset(before)


class PatientConnection(Connection[TupleRow]):
    """Broken off once the server has said nothing for too long: the system only knows that it takes what is sent."""

    def wait(self, gen: Waits[Answer], *how: Any, **exactly: Any) -> Answer:
        """What the exchange comes to; OperationalError where the server falls silent in it."""
        seconds = WRITING_SECONDS if _WRITES.get() else READING_SECONDS
        try:
            return super().wait(_heard(gen, seconds), *how, **exactly)
        except _Silent as silent:
            # Whatever comes now belongs to a question that nobody asks any more.
            self.pgconn.finish()
            raise OperationalError(str(silent)) from silent


class _Silent(Exception):
    """Nothing was heard for so long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the server has not answered for {seconds:g} seconds")


def _heard(exchange: Waits[Answer], seconds: float) -> Waits[Answer]:
    """The same exchange; _Silent where the socket is not ready for so long."""
    try:
        wanted = next(exchange)
        since = time.monotonic()
        while True:
            ready = yield wanted
            if ready:
                since = time.monotonic()
            elif time.monotonic() - since > seconds:
                raise _Silent(seconds)
            wanted = exchange.send(ready)
    except StopIteration as ended:
        answer: Answer = ended.value
        return answer
