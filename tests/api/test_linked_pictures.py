"""A query may name its picture by a link: fetched from the public web alone, in bounds, and nothing else is let out."""

from __future__ import annotations

import io
import ipaddress
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from api.app import create_app
from api.linked_pictures import LINK_UNITS, LinkedPictures
from core.fetch import Fetcher
from core.settings import Settings
from tests.shops import Shop, coloured_shop

LOOPBACK = ipaddress.ip_address("127.0.0.1")
NOT_FETCHED = (
    "cannot read the picture behind image_url: it can't be fetched; "
    "it has to lie on a server of the public internet that answers in time"
)


def png(colour: str) -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(picture, "PNG")
    return picture.getvalue()


def bomb() -> bytes:
    """A PNG of a few kilobytes that says it has 400 million pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")
        )

    side = (20_000).to_bytes(4, "big")
    header = chunk(b"IHDR", side + side + bytes([8, 2, 0, 0, 0]))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000)) + chunk(b"IEND", b"")
    )


@dataclass(frozen=True, slots=True)
class PictureHost:
    """A server of pictures that counts what it is asked for, and answers /held when it is let."""

    server: ThreadingHTTPServer
    asked: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def link(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"


class Answers(BaseHTTPRequestHandler):
    """Pictures, and what pretends to be one."""

    def do_GET(self) -> None:
        host = cast(Any, self.server).host
        host.asked.append(self.path)
        bodies = {
            "/blue.png": png("#0000ff"),
            "/page": b"<html>secret</html>",
            "/bomb": bomb(),
            "/held": png("red"),
        }
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/secret")
            self.end_headers()
            return
        if self.path == "/held":
            host.arrived.set()
            host.released.wait(10)
        if self.path not in bodies:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(bodies[self.path])

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def host() -> Iterator[PictureHost]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    made = PictureHost(server)
    cast(Any, server).host = made
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    made.released.set()
    server.shutdown()
    server.server_close()


def trusting(app: FastAPI, *, at_once: int = 1, max_bytes: int = 1_000_000) -> FastAPI:
    """The application, to which the test's own server is a public one."""
    fetcher = Fetcher(allow=lambda address: address == LOOPBACK, seconds=5, max_bytes=max_bytes)
    app.state.context = replace(app.state.context, links=LinkedPictures(at_once, fetcher))
    return app


@pytest.fixture
def app(shop: Shop) -> FastAPI:
    return create_app(Settings(data=shop.data), coloured_shop(shop).engine())


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


def asked(client: TestClient, link: str, **query: object) -> Any:
    return client.post("/api/search", json={"query": {"image_url": link, **query}, "limit": 2})


def test_a_linked_picture_is_searched_alone_and_with_words(
    app: FastAPI, client: TestClient, host: PictureHost
) -> None:
    trusting(app)

    alone = asked(client, host.link("/blue.png")).json()
    both = asked(client, host.link("/blue.png"), text="bag").json()

    assert sorted(hit["id"] for hit in alone["hits"]) == ["blue bag", "blue shoe"]
    assert both["hits"][0]["id"] == "blue bag"


def test_a_stream_takes_a_link_too(app: FastAPI, client: TestClient, host: PictureHost) -> None:
    trusting(app)
    body = {"query": {"image_url": host.link("/blue.png")}, "stream": True}

    answer = client.post("/api/search", json=body)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "blue shoe" in answer.text


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1/x.png", "http://127.0.0.1:80/", "https://localhost/", "http://localhost./", "http://[::1]/",
        "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://2130706433/", "http://0177.0.0.1/", "http://127.1/",
        "http://10.0.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/",
        "http://no-such-host.invalid/",
    ],
)  # fmt: skip
def test_every_address_that_is_not_public_is_refused_by_one_sentence(
    monkeypatch: pytest.MonkeyPatch, client: TestClient, link: str
) -> None:
    monkeypatch.setattr(socket, "create_connection", never_connected)

    answer = asked(client, link)

    assert (answer.status_code, answer.json()["detail"]) == (422, NOT_FETCHED)


def never_connected(*_: object, **__: object) -> socket.socket:
    pytest.fail("a connection was opened")


def test_an_open_port_inside_is_told_from_a_closed_one_by_nothing(
    client: TestClient, host: PictureHost
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        links = [host.link("/blue.png"), f"http://127.0.0.1:{closed.getsockname()[1]}/blue.png"]
        answers = [asked(client, link).json()["detail"] for link in links]

    assert answers[0] == answers[1]
    assert host.asked == []


def test_a_name_that_leads_inside_is_refused_as_one_that_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch, client: TestClient
) -> None:
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    monkeypatch.setattr(socket, "create_connection", never_connected)

    answer = asked(client, "http://10-0-0-7.nip.example/x.png")

    assert (answer.status_code, answer.json()["detail"]) == (422, NOT_FETCHED)


@pytest.mark.parametrize(
    "link",
    [
        "file:///etc/passwd", "ftp://example.com/x.png", "gopher://example.com/", "data:image/png;base64,AAAA",
        "//example.com/x.png", "/etc/passwd", "http://user:word@example.com/x.png", "http://example.com:6379/",
        "https://example.com:8443/",
    ],
)  # fmt: skip
def test_what_is_no_usual_link_is_refused_before_anybody_is_asked(
    monkeypatch: pytest.MonkeyPatch, client: TestClient, link: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", never_connected)

    answer = asked(client, link)

    assert answer.status_code == 422
    assert "send an http:// or https:// link" in answer.json()["detail"]


def test_a_redirect_that_leads_inside_is_refused_and_named_nowhere(
    app: FastAPI, client: TestClient, host: PictureHost
) -> None:
    trusting(app)

    answer = asked(client, host.link("/moved"))

    assert (answer.status_code, answer.json()["detail"]) == (422, NOT_FETCHED)


@pytest.mark.parametrize(
    ("path", "reason"), [("/page", "web page"), ("/bomb", "megapixels"), ("/none", "can't be fetched")]
)
def test_only_what_the_guarded_decoder_takes_is_a_picture(
    app: FastAPI, client: TestClient, host: PictureHost, path: str, reason: str
) -> None:
    trusting(app)

    answer = asked(client, host.link(path))

    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
    assert "secret" not in answer.text


def test_a_picture_that_is_too_large_is_given_up(app: FastAPI, client: TestClient, host: PictureHost) -> None:
    trusting(app, max_bytes=20)

    answer = asked(client, host.link("/blue.png"))

    assert answer.status_code == 422
    assert "larger than" in answer.json()["detail"]


def test_a_link_is_charged_before_it_is_followed(shop: Shop, host: PictureHost) -> None:
    settings = Settings(data=shop.data, rate_limit=f"{LINK_UNITS + 1}/hour")
    app = trusting(create_app(settings, coloured_shop(shop).engine()))

    with TestClient(app) as client:
        answers = [asked(client, host.link("/blue.png")).status_code for _ in range(2)]

    assert answers == [200, 429]
    assert host.asked == ["/blue.png"]


def test_one_more_link_than_are_followed_at_once_is_told_to_come_again(
    app: FastAPI, client: TestClient, host: PictureHost
) -> None:
    trusting(app)
    first: list[int] = []
    waiting = threading.Thread(target=lambda: first.append(asked(client, host.link("/held")).status_code))
    waiting.start()
    assert host.arrived.wait(10)

    refused = asked(client, host.link("/blue.png"))
    words = client.post("/api/search", json={"query": {"text": "red shoe"}})
    host.released.set()
    waiting.join(10)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert words.status_code == 200
    assert first == [200]
    assert asked(client, host.link("/blue.png")).status_code == 200


def test_links_of_pictures_are_for_searches_alone(client: TestClient, host: PictureHost) -> None:
    client.post("/api/rerank", json={"query": "x", "documents": [{"image": host.link("/blue.png")}]})
    client.get("/api/search", params={"image": host.link("/blue.png")})
    client.get("/", params={"image": host.link("/blue.png")})

    assert host.asked == []
