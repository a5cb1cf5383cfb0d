"""Keys for searching: which requests need one, what a key allows, and which other sites' pages may ask."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.doors import Doors, is_made, sent_key
from api.errors import refusal
from api.keys import Key
from core.door_errors import ForbiddenToKey, KeyWanted, UnknownKey
from core.errors import LycheeError

VISITOR = "lychee.key"
"""Where in a request's scope the key is that it came with."""
_OPEN = ("/healthz", "/readyz", "/metrics", "/favicon.ico", "/login", "/robots.txt")
_OPEN_BELOW = ("/static/", "/images/")
"""Pages show product pictures by plain links, with which no browser sends a key."""
_FOR_KEYS = ("/api/", "/v1/", "/v2/", "/1/")


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What the settings say about searching."""

    required: bool
    origins: tuple[str, ...]
    """Sites whose pages may ask, with a key or without."""


class KeyGate:
    """ASGI middleware: looks at the key that a request brings along, and asks for one where the settings do."""

    def __init__(self, app: ASGIApp, doors: Doors, rules: KeyRules) -> None:
        self._app, self._doors, self._rules = app, doors, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            try:
                scope[VISITOR] = self._key_of(request)
            except LycheeError as error:
                await refusal(error, request)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _key_of(self, request: Request) -> Key | None:
        # Not the path of the URL: that one is put together from the Host header.
        path, token = request.scope["path"], sent_key(request)
        key = self._doors.keyring.find(token) if is_made(token) else None
        if key is not None:
            _check(key, request)
            return key
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            return None
        if is_made(token):
            raise UnknownKey
        if self._rules.required and not token:
            raise KeyWanted
        if self._rules.required:
            # The admin key of the settings opens everything; whoever guesses at it is slowed down.
            self._doors.admit_chosen(token, request)
        return None


class ListedOrigins(CORSMiddleware):
    """Lets pages of listed sites ask from a browser: those of the settings, and those of the keys in force."""

    def __init__(self, app: ASGIApp, doors: Doors, rules: KeyRules) -> None:
        super().__init__(
            app,
            allow_origins=rules.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type"],
            expose_headers=["Retry-After"],
        )
        self._doors = doors

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether a browser may hand our answers to that site's pages."""
        keys = self._doors.keyring.keys()
        return super().is_allowed_origin(origin) or any(
            origin in key.origins for key in keys if key.revoked is None
        )


def admit_catalog(key: Key | None, catalog: str) -> None:
    """Returns where the key is for that catalog, or none was sent; ForbiddenToKey."""
    if key is not None and key.catalogs and catalog not in key.catalogs:
        raise ForbiddenToKey(f"catalog {catalog!r}")


def _check(key: Key, request: Request) -> None:
    origin = request.headers.get("origin", "")
    if key.origins and origin not in key.origins:
        raise ForbiddenToKey(f"pages of {origin}" if origin else "programs: it is for pages of its own sites")
    if (
        key.kind == "search"
        and key.catalogs
        and not request.scope["path"].startswith((*_FOR_KEYS, *_OPEN_BELOW))
    ):
        raise ForbiddenToKey("the server's own pages")
