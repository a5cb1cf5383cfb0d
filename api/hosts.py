"""By which names a server may be asked: a page elsewhere that lets its own name lead here is refused (DNS rebinding)."""

from __future__ import annotations

import ipaddress
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem
from core.settings import ANY_HOST, Settings

_OWN = ("localhost", "*.localhost")


class KnownHosts:
    """ASGI middleware: refuses requests that are addressed to a name which isn't one of ours.

    An address in figures is always let in: a browser that says one asks for a page of that very machine, whose name
    nobody else can take. What says no host at all is no browser.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        """`hosts` as in the settings."""
        self._app = app
        self._names = frozenset(host.lower() for host in hosts if not host.startswith("*"))
        self._below = tuple(host[1:].lower() for host in hosts if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope).getlist("host") if scope["type"] == "http" else []
        if all(map(self._is_ours, asked)):
            await self._app(scope, receive, send)
            return
        detail = (
            "this server isn't known by the name that the request is addressed to; "
            "whoever runs it can name it in LYCHEE_ALLOWED_HOSTS"
        )
        await problem(HTTPStatus.MISDIRECTED_REQUEST, detail, Request(scope))(scope, receive, send)

    def _is_ours(self, header: str) -> bool:
        host = host_of(header)
        if host is None:
            return False
        return host in self._names or host.endswith(self._below) or _is_address(host)


def host_of(header: str) -> str | None:
    """The host of a Host header, small and without port and final dot; None for what is none."""
    try:
        parts = urlsplit(f"//{header.strip()}")
        parts.port  # noqa: B018 it is checked when it is read
    except ValueError:
        return None
    if not parts.hostname or parts.netloc != header.strip() or "@" in parts.netloc:
        return None
    return parts.hostname.removesuffix(".")


def with_hosts(settings: Settings) -> Settings:
    """The settings with the names that a server there is asked by, unless they name others.

    On loopback only this machine asks, so a name from elsewhere can only be a trick; beyond it, names are nobody's
    business but the operator's.
    """
    if settings.allowed_hosts is not None:
        return settings
    own = (*_OWN, *machine_names()) if is_loopback(settings.host) else (ANY_HOST,)
    return settings.model_copy(update={"allowed_hosts": own})


def is_loopback(host: str) -> bool:
    """Whether a server that listens there is reached from its own machine alone."""
    if host.lower().removesuffix(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def machine_names() -> tuple[str, ...]:
    """What this machine calls itself, and is called on its network."""
    name = socket.gethostname().lower()
    short = name.partition(".")[0]
    return tuple(dict.fromkeys((name, short, f"{short}.local"))) if short else ()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
