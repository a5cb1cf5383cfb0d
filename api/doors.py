"""Who may write: what a request brings along is held against the admin key of the settings and the keys of the folder."""

from __future__ import annotations

import hmac
import math
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, cast

from fastapi import Request, Response

from api.body_limit import BoundedRoute
from api.guesses import Guesses
from api.keys import MARK, Keyring, digest_of
from api.sharing import address_of
from core.door_errors import ForbiddenToKey, KeyWanted, UnknownKey, WritingOff
from core.errors import TooManyGuesses
from core.settings import Settings


class Doors:
    """Decides from a request's headers alone; safe for many threads."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.keyring = Keyring(settings.data)
        chosen = settings.admin_key
        self._admin = None if chosen is None else digest_of(chosen.get_secret_value())
        self._clock, self._guesses, self._lock = clock, Guesses(), threading.Lock()

    def admit_writer(self, request: Request) -> None:
        """Returns for who may write; WritingOff, KeyWanted, UnknownKey, ForbiddenToKey, TooManyGuesses."""
        token = sent_key(request)
        if self._admin is None and not self.keyring.has("admin"):
            raise WritingOff
        if not token:
            raise KeyWanted
        key = self.keyring.find(token)
        if key is None:
            self.admit_chosen(token, request)
        elif key.kind != "admin":
            raise ForbiddenToKey("writing")

    def admit_chosen(self, token: str, request: Request) -> None:
        """Returns for the admin key of the settings; UnknownKey, TooManyGuesses.

        A key that a person chose may be guessed, so who is wrong waits longer and longer.
        """
        address = address_of(request)
        with self._lock:
            now = self._clock()
            seconds = self._guesses.wait(address, now)
            if seconds > 0:
                raise TooManyGuesses(math.ceil(seconds))
            right = self._admin is not None and hmac.compare_digest(digest_of(token), self._admin)
            (self._guesses.right if right else self._guesses.wrong)(address, now)
        if not right:
            raise UnknownKey


class WritersRoute(BoundedRoute):
    """A route for writers alone: others are refused before their body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the door."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            cast(Doors, request.app.state.doors).admit_writer(request)
            return await handle(request)

        return guarded


def is_made(token: str) -> bool:
    """Whether it looks like a key that `lychee keys` made."""
    return token.startswith(f"{MARK}_")


def sent_key(request: Request) -> str:
    """What a request brings along as X-API-Key, else as bearer; empty for nothing.

    The header of its own comes first: where a server is shared, the bearer is its password.
    """
    own = request.headers.get("x-api-key", "").strip()
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return own or (value.strip() if scheme.lower() == "bearer" else "")
