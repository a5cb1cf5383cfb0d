"""The gate of a shared server: one password, signed sessions, and a link that logs in for a few minutes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import secrets
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem
from api.guesses import Guesses
from core.errors import TooManyGuesses, WeakPassword

COOKIE = "lychee_session"
SESSION_SECONDS = 7 * 24 * 3600
LINK_SECONDS = 15 * 60
"""How long the link of the QR code logs in; afterwards it leads to the password page."""
SHORTEST_PASSWORD = 8
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that reads like something else when it is typed from a screen."""
_OPEN_PATHS = ("/login", "/healthz", "/favicon.ico")


class Gate:
    """Who may come in; safe for many threads."""

    # Not the time of day, which may be set: sessions and waits end with this process, and so does their key.
    def __init__(self, password: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        if len(password) < SHORTEST_PASSWORD:
            raise WeakPassword(SHORTEST_PASSWORD)
        self._key = secrets.token_bytes(32)
        self._password = self._digest(password)
        self._clock = clock
        self._guesses = Guesses()
        self._lock = threading.Lock()
        self.link_token = secrets.token_urlsafe(16)
        self.link_until = clock() + LINK_SECONDS

    def knows(self, password: str, address: str) -> bool:
        """Whether that is the password; TooManyGuesses before it is looked at when the sender has to wait."""
        with self._lock:
            now = self._clock()
            seconds = self._guesses.wait(address, now)
            if seconds > 0:
                raise TooManyGuesses(math.ceil(seconds))
            right = hmac.compare_digest(self._digest(password), self._password)
            (self._guesses.right if right else self._guesses.wrong)(address, now)
        return right

    def admits_link(self, token: str) -> bool:
        """Whether the token is the link's, and still in time."""
        same = hmac.compare_digest(self._digest(token), self._digest(self.link_token))
        return same and self._clock() < self.link_until

    def session(self) -> str:
        """A new session, as its cookie says it."""
        until = str(int(self._clock()) + SESSION_SECONDS)
        return f"{until}.{self._signature(until)}"

    def admits_session(self, cookie: str) -> bool:
        """Whether we signed that session and it lasts."""
        until, _, signature = cookie.partition(".")
        signed = hmac.compare_digest(signature.encode(), self._signature(until).encode())
        return signed and self._clock() < int(until)

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def _signature(self, until: str) -> str:
        return self._digest(f"session until {until}").hex()


class PasswordGate:
    """ASGI middleware: everything but the way in is for those whom the gate admits."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_open(scope["path"]):
            refusal = self._refusal(Request(scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if self._gate.admits_session(request.cookies.get(COOKIE, "")):
            return None
        password = _password_of(request.headers.get("authorization", ""))
        try:
            if password is not None and self._gate.knows(password, address_of(request)):
                return None
        except TooManyGuesses as error:
            return slowed_down(error, request)
        if password is None and "text/html" in request.headers.get("accept", ""):
            return _to_login(request)
        detail = "this server asks for its password: log in at /login, or send Authorization: Bearer PASSWORD"
        answer = problem(HTTPStatus.UNAUTHORIZED, detail, request)
        # Not Basic: browsers would ask for it in a window of their own wherever a script is refused.
        answer.headers["WWW-Authenticate"] = 'Bearer realm="lychee"'
        return answer


def generated_password() -> str:
    """Three groups of four letters and digits: 59 bits that can be typed on a phone."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def address_of(request: Request) -> str:
    """Where a request comes from; uvicorn has put in what a tunnel on this machine says."""
    return request.client.host if request.client else ""


def slowed_down(error: TooManyGuesses, request: Request) -> Response:
    """The refusal of a guess that came too soon."""
    answer = problem(HTTPStatus.TOO_MANY_REQUESTS, str(error), request)
    answer.headers["Retry-After"] = str(error.seconds)
    return answer


def _is_open(path: str) -> bool:
    return path in _OPEN_PATHS or path.startswith("/static/")


def _to_login(request: Request) -> Response:
    back = f"{request.url.path}?{request.url.query}".rstrip("?") if request.method == "GET" else "/"
    asked = f"?{urlencode({'next': back})}" if back != "/" else ""
    return RedirectResponse(f"/login{asked}", HTTPStatus.SEE_OTHER)


def _password_of(authorization: str) -> str | None:
    """The password of `Bearer PASSWORD` or of `Basic` with any name; None where there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
