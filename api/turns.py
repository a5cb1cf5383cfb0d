"""How processes that listen on one socket share what comes in: who has taken a connection lets the others go first."""

from __future__ import annotations

import socket
import time

LETS_OTHERS_SECONDS = 0.003
"""Long enough for another process to wake up. asyncio alone would take all that waits, and the others had nothing."""


class TakingTurns(socket.socket):
    """A listening socket for asyncio, which asks again at once while somebody waits."""

    _not_before = 0.0

    @classmethod
    def of(cls, listener: socket.socket) -> TakingTurns:
        """On the same port as the listener, which is used no more."""
        return cls(listener.family, listener.type, listener.proto, fileno=listener.detach())

    def accept(self) -> tuple[socket.socket, object]:
        """The next connection; BlockingIOError where there is none, and while it is the others' turn."""
        if time.monotonic() < self._not_before:
            raise BlockingIOError
        accepted = super().accept()
        self._not_before = time.monotonic() + LETS_OTHERS_SECONDS
        return accepted
