"""Pages over one window: a cursor continues the very answer that it came from, whatever was ingested meanwhile."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import InvalidQuery
from core.recent import Recent
from search.ordering import Judged
from search.window_files import WindowFiles

KEPT_WINDOWS = 256
"""Windows that a server remembers; an older cursor is answered from a fresh search."""
MAX_OFFSET = 1_000_000
"""No window is nearly as long; what is larger, no cursor of ours has said."""
PATIENCE_SECONDS = 60.0
"""How long a page waits for a window that another request is having judged."""


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
        if not 0 <= cursor.offset <= MAX_OFFSET:
            raise InvalidQuery(f"{text[:80]!r} is not a cursor of this server")
        return cursor


class Claim:
    """A window that somebody has asked for: the first who does delivers it, everybody else waits for it."""

    def __init__(
        self, windows: Recent[str, Future[Judged]], name: str, files: WindowFiles | None = None
    ) -> None:
        own: Future[Judged] = Future()
        self._windows, self._name, self._files = windows, name, files
        self._awaited = windows.kept_or(name, own)
        self.is_first = self._awaited is own
        if self.is_first and files is not None and (judged := files.find(name)) is not None:
            own.set_result(judged)
            self.is_first = False

    def window(self) -> Judged:
        """The window, once it is delivered."""
        try:
            return self._awaited.result(PATIENCE_SECONDS)
        except TimeoutError as error:
            raise InvalidQuery("the first page of this answer is still being made; ask again") from error

    def deliver(self, judged: Judged) -> None:
        """Here it is."""
        self._awaited.set_result(judged)
        if self._files is not None:
            self._files.keep(self._name, judged)

    @contextmanager
    def delivering(self, fallback: Judged | None = None) -> Iterator[None]:
        """Whatever happens inside: who waits gets the window or hears why there is none, and nobody waits in vain.

        `fallback` is what a caller who goes away in the middle has seen already.
        """
        try:
            yield
        except BaseException as error:
            if not self._awaited.done():
                self._give_up(error, fallback)
            raise

    def _give_up(self, error: BaseException, fallback: Judged | None) -> None:
        if isinstance(error, GeneratorExit) and fallback is not None:
            self._awaited.set_result(fallback)
            return
        self._windows.forget(self._name)
        self._awaited.set_exception(error)


class Windows:
    """The most recent windows by name, and those of the server's other processes; safe for many threads."""

    def __init__(self, kept: int = KEPT_WINDOWS, files: WindowFiles | None = None) -> None:
        self._windows: Recent[str, Future[Judged]] = Recent(kept)
        self._files = files

    def claim(self, name: str) -> Claim:
        """The window of that name: searched and judged once, however many ask for it."""
        return Claim(self._windows, name, self._files)
