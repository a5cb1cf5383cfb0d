"""Pictures from the web, from public addresses only: no link leads into the shop's own network."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from core.errors import UnreadableImage
from core.images import MAX_BYTES

MAX_REDIRECTS = 5
_CHUNK = 1 << 16
_REDIRECTS = {301, 302, 303, 307, 308}
_NOT_FOUND = {404, 410}
_HEADERS = {"Accept": "image/*", "User-Agent": "lychee-search"}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


# Addresses of IPv6 that carry one of IPv4 in them, and are nobody's otherwise, lie outside of the first.
_UNICAST = ipaddress.IPv6Network("2000::/3")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_FOR_US = (
    ipaddress.ip_network("3fff::/20"),  # documentation, which this Python doesn't know yet
    ipaddress.ip_network("192.88.99.0/24"),  # the relays of 6to4
    ipaddress.ip_network("168.63.129.16/32"),  # what tells machines in Azure about themselves
)


def is_public(address: Address) -> bool:
    """False for loopback, private, link-local and reserved addresses, even inside an IPv6 one."""
    if any(address in network for network in _NOT_FOR_US if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address in _TRANSLATED:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        inner = address.sixtofour or (address.teredo or (None, None))[1]
        if address not in _UNICAST or (inner is not None and not is_public(inner)):
            return False
    return address.is_global and not address.is_multicast


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Gets pictures over http(s), within limits of time, size and redirects; proxies are not used."""

    allow: Callable[[Address], bool] = is_public
    seconds: float = 30.0
    """For one picture, redirects included; half of it for a single wait."""
    max_bytes: int = MAX_BYTES
    ports: frozenset[int] | None = None
    """Those that may be asked; None for any."""

    def fetch(self, url: str) -> bytes:
        """The bytes behind a link, whatever type the server claims. Raises UnreadableImage."""
        deadline = _Deadline(self.seconds)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                answer = self._get(url, deadline)
                if isinstance(answer, bytes):
                    return answer
                url = answer
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = "it took too long" if deadline.passed else f"the server can't be read ({_short(error)})"
            raise UnreadableImage(url, reason, code="unreachable") from error
        finally:
            deadline.end()
        raise UnreadableImage(url, f"it is redirected more than {MAX_REDIRECTS} times", code="unreachable")

    def _get(self, url: str, deadline: _Deadline) -> bytes | str:
        """The body, or the address that the server points to."""
        connection = self._connected(_checked(url, self.ports), url, deadline)
        try:
            connection.request("GET", _path_of(url), headers=_HEADERS)
            with connection.getresponse() as answer:
                return self._read(answer, url, deadline)
        finally:
            connection.close()

    def _read(self, answer: http.client.HTTPResponse, url: str, deadline: _Deadline) -> bytes | str:
        if answer.status in _REDIRECTS and (target := answer.getheader("Location")):
            return urljoin(url, target)
        if answer.status != http.client.OK:
            code = "missing" if answer.status in _NOT_FOUND else "unreachable"
            raise UnreadableImage(url, f"the server answers {answer.status}", code=code)
        body = _body(answer, url, self.max_bytes)
        if deadline.passed:
            # A connection that is cut looks like the end of a body without a length.
            raise TimeoutError
        return body

    def _connected(self, parts: SplitResult, url: str, deadline: _Deadline) -> http.client.HTTPConnection:
        """A connection to the very address that was checked: a name may answer differently the next time."""
        host = parts.hostname or ""
        secure = parts.scheme.lower() == "https"
        port = parts.port or (443 if secure else 80)
        address = self._resolved(host, port, url)
        if deadline.passed:  # asking for a name can't be cut short
            raise TimeoutError
        wait = max(0.1, min(self.seconds / 2, deadline.left()))
        opened = socket.create_connection((str(address), port), timeout=wait)
        deadline.watch(opened)
        connection: http.client.HTTPConnection
        if secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, port, context=context)
            try:
                connection.sock = context.wrap_socket(opened, server_hostname=host)
            except (OSError, ValueError):
                opened.close()
                raise
            deadline.watch(connection.sock)
        else:
            connection = http.client.HTTPConnection(host, port)
            connection.sock = opened
        return connection

    def _resolved(self, host: str, port: int, url: str) -> Address:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not addresses or not all(map(self.allow, addresses)):
            raise UnreadableImage(url, "its server is not on the public internet", code="forbidden_address")
        return addresses[0]


class _Deadline:
    """Ends a fetch from outside: a server that sends a byte now and then never lets a socket time out."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True
        self._ends = time.monotonic() + seconds
        self._timer.start()

    def left(self) -> float:
        return self._ends - time.monotonic()

    def watch(self, opened: socket.socket) -> None:
        self._socket = opened
        if self.passed:  # while it was being opened
            self._strike()

    def end(self) -> None:
        self._timer.cancel()

    def _strike(self) -> None:
        self.passed = True
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def _checked(url: str, ports: frozenset[int] | None) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise UnreadableImage(url, "it is no http(s) link", code="bad_link")
    if "@" in parts.netloc:
        raise UnreadableImage(url, "links with a user's name are not followed", code="bad_link")
    if ports is not None and parts.port is not None and parts.port not in ports:
        raise UnreadableImage(url, "its port is none of the web's usual ones", code="bad_link")
    return parts


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return _quoted((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _body(answer: http.client.HTTPResponse, url: str, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := answer.read(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise UnreadableImage(url, f"it is larger than {max_bytes // 1_000_000} MB", code="too_large")
        chunks.append(chunk)
    return b"".join(chunks)


def _quoted(path: str) -> str:
    return quote(path, safe="/?&=%:@!$'()*+,;~-._#[]")


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:120]
