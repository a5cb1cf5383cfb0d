"""Pictures are fetched from public addresses only, within bounds of time and size."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.errors import UnreadableImage
from indexer.fetch import Fetcher, is_public


class Answers(BaseHTTPRequestHandler):
    """A picture server with bad habits."""

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/picture":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"picture " + self.path.encode())
            case "/moved":
                self._redirect("/picture?moved")
            case "/round":
                self._redirect("/round")
            case "/inside":
                self._redirect("http://169.254.169.254/latest/meta-data/")
            case "/endless":
                self.send_response(200)
                self.end_headers()
                self._write_for_ever(b"x" * 1_000_000, 0)
            case "/slow":
                self.send_response(200)
                self.end_headers()
                self._write_for_ever(b"x", 0.1)
            case _:
                self.send_error(404)

    def _redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.end_headers()

    def _write_for_ever(self, data: bytes, pause: float) -> None:
        try:
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
        ("/endless", "too_large"),
    ],
)
def test_a_server_with_bad_habits_is_refused(server: str, path: str, code: str) -> None:
    assert refusal(fetcher(), server + path) == code


def test_a_server_that_trickles_is_left_in_time(server: str) -> None:
    start = time.monotonic()

    code = refusal(fetcher(seconds=1), f"{server}/slow")

    assert code == "unreachable"
    assert time.monotonic() - start < 4


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "2130706433"]
)
def test_addresses_inside_are_not_asked(host: str) -> None:
    assert refusal(Fetcher(), f"http://{host}/x.jpg") == "forbidden_address"


@pytest.mark.parametrize("url", ["ftp://example.com/x.jpg", "http:///x.jpg", "http://[broken/x.jpg"])
def test_what_is_no_web_link_is_refused(url: str) -> None:
    assert refusal(Fetcher(), url) in ("bad_link", "unreachable")


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
    ],
)
def test_public_addresses_are_told_from_inner_ones(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
