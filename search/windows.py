"""Pages over one window: a cursor continues the very answer that it came from, whatever was ingested meanwhile."""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict
from dataclasses import dataclass

from core.errors import InvalidQuery
from search.window import Window

KEPT_WINDOWS = 256
"""Windows that a server remembers; an older cursor is answered from a fresh search."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins."""

    query_id: str
    offset: int

    def encode(self) -> str:
        """As the client sees it."""
        return base64.urlsafe_b64encode(f"{self.query_id}:{self.offset}".encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """InvalidQuery when the text is not a cursor of ours."""
        try:
            query_id, _, offset = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
            cursor = cls(query_id, int(offset))
        except ValueError as error:
            raise InvalidQuery(f"{text[:80]!r} is not a cursor of this server") from error
        if cursor.offset < 0:
            raise InvalidQuery(f"{text[:80]!r} is not a cursor of this server")
        return cursor


class Windows:
    """The most recent windows by name; safe for many threads."""

    def __init__(self, kept: int = KEPT_WINDOWS) -> None:
        self._kept = kept
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, name: str, window: Window) -> None:
        """Remembers a window and forgets the oldest."""
        with self._lock:
            self._windows[name] = window
            while len(self._windows) > self._kept:
                self._windows.popitem(last=False)

    def get(self, name: str) -> Window | None:
        """The window, if it is still remembered."""
        with self._lock:
            return self._windows.get(name)
