"""Pictures are fetched from public addresses only, within bounds of time and size."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.errors import UnreadableImage
from core.fetch import Fetcher, is_public

PACKED = gzip.compress(b"\0" * 50_000_000)
"""What is small on its way and large in the memory of whoever unpacks it."""

OK = b"HTTP/1.1 200 OK\r\n"
TARGETS = {
    "/moved": "/picture?moved",
    "/round": "/round",
    "/inside": "http://169.254.169.254/latest/meta-data/",
    "/files": "file:///etc/passwd",
    "/named": "http://user:word@127.0.0.1/picture",
}
TRICKLES = {
    "/endless": (OK + b"\r\n", b"x" * 1_000_000, 0.0),
    "/slow": (OK + b"\r\n", b"x", 0.1),
    "/slow-headers": (OK + b"X: ", b"x", 0.1),
    "/continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
}
"""What is sent first, and what is sent again and again after how many seconds."""


class Answers(BaseHTTPRequestHandler):
    """A picture server with bad habits."""

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/picture":
                self._answer(b"picture " + self.path.encode())
            case "/packed":
                self._answer(PACKED, ("Content-Encoding", "gzip"))
            case path if path in TARGETS:
                self._redirect(TARGETS[path])
            case path if path in TRICKLES:
                self._write_for_ever(*TRICKLES[path])
            case _:
                self.send_error(404)

    def _answer(self, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(200)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.end_headers()

    def _write_for_ever(self, first: bytes, data: bytes, pause: float) -> None:
        self.close_connection = True
        try:
            self.wfile.write(first)
            while True:
                self.wfile.write(data)
                time.sleep(pause)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    serving.daemon_threads = True
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


LOOPBACK = ipaddress.ip_address("127.0.0.1")


def fetcher(seconds: float = 10.0) -> Fetcher:
    """Allows the test's own server, as a public one would be."""
    return Fetcher(allow=lambda address: address == LOOPBACK, seconds=seconds)


def refusal(fetching: Fetcher, url: str) -> str:
    with pytest.raises(UnreadableImage) as refused:
        fetching.fetch(url)
    return refused.value.code


def test_a_picture_is_fetched_and_redirects_are_followed(server: str) -> None:
    assert fetcher().fetch(f"{server}/picture?a=红") == b"picture /picture?a=%E7%BA%A2"
    assert fetcher().fetch(f"{server}/moved") == b"picture /picture?moved"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/nothing", "missing"),
        ("/round", "unreachable"),
        ("/inside", "forbidden_address"),
        ("/files", "bad_link"),
        ("/named", "bad_link"),
        ("/endless", "too_large"),
    ],
)
def test_a_server_with_bad_habits_is_refused(server: str, path: str, code: str) -> None:
    assert refusal(fetcher(), server + path) == code


@pytest.mark.parametrize("path", ["/slow", "/slow-headers", "/continue"])
def test_a_server_that_trickles_is_left_in_time(server: str, path: str) -> None:
    start = time.monotonic()

    code = refusal(fetcher(seconds=1), server + path)

    assert code == "unreachable"
    assert time.monotonic() - start < 4


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "localhost", "localhost.", "LOCALHOST", "[::1]", "[::]", "0.0.0.0", "0",
        "169.254.169.254", "10.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]",
        "%31%32%37.0.0.1", "①②⑦.0.0.1", "127。0。0。1",
    ],
)  # fmt: skip
def test_addresses_inside_are_not_asked(host: str) -> None:
    # Some of these are no names at all for the system's resolver.
    assert refusal(Fetcher(), f"http://{host}/x.jpg") in ("forbidden_address", "unreachable")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/x.jpg", "file:///etc/passwd", "gopher://example.com/x", "//example.com/x.jpg", "x.jpg",
        "http:///x.jpg", "http://[broken/x.jpg", "http://user@example.com/x.jpg", "http://a:b@example.com/x.jpg",
        "http://example.com:99999/x.jpg", "http://exa mple.com/x.jpg", "http://\x00/x.jpg",
    ],
)  # fmt: skip
def test_what_is_no_web_link_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(socket, "create_connection", never_connected)

    assert refusal(Fetcher(), url) in ("bad_link", "unreachable")


def never_connected(*_: object, **__: object) -> socket.socket:
    pytest.fail("a connection was opened")


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name has these addresses."""
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)


@pytest.mark.parametrize(
    "addresses",
    [("127.0.0.1",), ("10.1.2.3",), ("93.184.216.34", "127.0.0.1"), ("::1", "2606:4700::1111"), ("fe80::1%eth0",), ()],
)  # fmt: skip
def test_a_name_with_any_address_inside_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    resolving(monkeypatch, *addresses)
    monkeypatch.setattr(socket, "create_connection", never_connected)

    assert refusal(Fetcher(), "http://127.0.0.1.nip.example/x.jpg") == "forbidden_address"


@pytest.mark.parametrize("url", ["http://shop.example:22/x.jpg", "https://shop.example:6379/x.jpg"])
def test_ports_that_are_not_listed_are_not_asked(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    resolving(monkeypatch, "93.184.216.34")
    monkeypatch.setattr(socket, "create_connection", never_connected)

    assert refusal(Fetcher(ports=frozenset({80, 443})), url) == "bad_link"


def test_what_comes_packed_stays_packed(server: str) -> None:
    assert fetcher().fetch(f"{server}/packed") == PACKED


def test_a_body_is_read_up_to_its_limit(server: str) -> None:
    assert refusal(Fetcher(allow=lambda _: True, max_bytes=3), f"{server}/picture") == "too_large"


def test_time_that_is_over_before_the_connection_stands_ends_it_all_the_same(
    monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    connect = socket.create_connection

    def late(*arguments: Any, **options: Any) -> socket.socket:
        opened = connect(*arguments, **options)
        time.sleep(0.4)
        return opened

    monkeypatch.setattr(socket, "create_connection", late)

    assert refusal(fetcher(seconds=0.3), f"{server}/slow") == "unreachable"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("64:ff9b:1::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("fec0::1", False),
        ("3fff::1", False),
        ("168.63.129.16", False),
        ("240.0.0.1", False),
    ],
)
def test_public_addresses_are_told_from_inner_ones(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
