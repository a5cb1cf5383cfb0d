"""Connections that dribble their headers, or hardly read their answer, end; knows the insides of uvicorn's protocol."""

from __future__ import annotations

import asyncio
from typing import cast
from urllib.parse import quote_from_bytes

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.open_connections import make_room, most_connections

HEADER_SECONDS = 10.0
"""For a request's line and headers, from the connection or the first byte on."""
READING_SECONDS = 20.0
LEAST_READ_BYTES = 20_000
"""What is taken of an answer in that time by whoever still wants it: slower than any phone's network."""


class PatientProtocol(H11Protocol):
    """Uvicorn bounds the pause between two requests, not the time that one takes to say what it wants.

    Nor the time that an answer takes to be read: a stream that nobody reads would hold its place for ever.
    """

    header_seconds = HEADER_SECONDS
    reading_seconds = READING_SECONDS
    most = most_connections()
    """Connections of one process."""
    _heard = 0.0
    _waiting: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait; where there are too many, others that say nothing have to go, or else this one."""
        has_room = make_room(cast("set[PatientProtocol]", self.connections), self.most)
        super().connection_made(transport)
        self._heard = self.loop.time()
        self._wait()
        if not has_room:
            transport.close()

    def quiet_since(self) -> float | None:
        """When it was last heard of; None while a request of it is under way, or it is closing."""
        is_asking = self.cycle is not None and not self.cycle.response_complete
        return None if is_asking or self.transport.is_closing() else self._heard

    def let_go(self) -> None:
        """Closes the connection."""
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Waits on where a request has begun and its headers are not all there."""
        self._heard = self.loop.time()
        begins = self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
        super().data_received(_with_plain_address(data) if begins else data)
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing more."""
        self._stop()
        self._stop_reading()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More of the answer is there than the other side has read: from here on it is watched."""
        super().pause_writing()
        if self._reading is None:
            self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It has read enough."""
        self._stop_reading()
        super().resume_writing()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.header_seconds, self._too_slow)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _watch(self, unread: int) -> None:
        self._reading = self.loop.call_later(self.reading_seconds, self._look_again, unread)

    def _look_again(self, unread: int) -> None:
        self._reading = None
        left = self.transport.get_write_buffer_size()
        if unread - left < LEAST_READ_BYTES:
            self.transport.abort()
        else:
            self._watch(left)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _too_slow(self) -> None:
        self._waiting = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def _with_plain_address(data: bytes) -> bytes:
    """A request with its address in ASCII: `curl '…?q=灰色沙发'` sends the words as they are, which h11 refuses."""
    line, end, rest = data.partition(b"\r\n")
    if line.isascii() or not end:
        return data
    return quote_from_bytes(line, safe=bytes(range(128))).encode() + end + rest
