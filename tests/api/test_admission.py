"""A server takes on what it can do well, tells the rest when to come again, and waits for no dawdler."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

import api.body_limit
from api.app import create_app
from api.body_limit import MAX_BODY_BYTES
from api.patient_protocol import PatientProtocol
from core.settings import Settings
from rerank.judgement import Asked, Document, Judgement
from search.engine import SearchEngine
from tests.serving import listening
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge


class Hasty(PatientProtocol):
    """Waits shorter than people would."""

    header_seconds = 0.3


class Gated(WordJudge):
    """A judge that is told when to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        self.go_on.wait(20)
        return super().score(asked, documents)


@pytest.fixture
def judge() -> Gated:
    return Gated()


@pytest.fixture
def engine(shop: Shop, judge: Gated) -> SearchEngine:
    return coloured_shop(shop).engine(judge)


BODY = {"query": "red shoe", "document": "a red shoe"}


def test_what_is_too_much_is_refused_at_once_and_what_waited_is_answered(
    shop: Shop, engine: SearchEngine, judge: Gated
) -> None:
    settings = Settings(data=shop.data, at_once=1, queue=1, queue_ms=20_000)
    with TestClient(create_app(settings, engine)) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, "/api/rerank", json=BODY)
        second = pool.submit(client.post, "/api/rerank", json=BODY)
        time.sleep(1)

        third = client.post("/api/rerank", json=BODY)

        assert (third.status_code, third.headers["retry-after"]) == (503, "1")
        assert third.headers["content-type"] == "application/problem+json"
        assert client.get("/healthz").status_code == 200
        assert client.get("/").status_code == 200
        judge.go_on.set()
        assert [first.result().status_code, second.result().status_code] == [200, 200]
        assert client.post("/api/rerank", json=BODY).status_code == 200


def test_nobody_waits_longer_than_the_queue_allows(shop: Shop, engine: SearchEngine, judge: Gated) -> None:
    settings = Settings(data=shop.data, at_once=1, queue=5, queue_ms=200)
    with TestClient(create_app(settings, engine)) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/api/rerank", json=BODY)
        time.sleep(0.5)

        assert client.post("/api/rerank", json=BODY).status_code == 503
        judge.go_on.set()
        assert first.result().status_code == 200


def test_an_answer_that_does_not_come_is_given_up_and_its_place_is_free_when_the_work_ends(
    shop: Shop, engine: SearchEngine, judge: Gated
) -> None:
    settings = Settings(data=shop.data, at_once=1, queue=5, queue_ms=200, request_seconds=0.5)
    with TestClient(create_app(settings, engine)) as client:
        slow = client.post("/api/rerank", json=BODY)
        busy = client.post("/api/rerank", json=BODY)
        judge.go_on.set()
        time.sleep(0.5)
        again = client.post("/api/rerank", json=BODY)

    assert (slow.status_code, busy.status_code, again.status_code) == (503, 503, 200)
    assert "0.5 seconds" in slow.json()["detail"]


@pytest.mark.parametrize("path", ["/api/search", "/api/rerank", "/v1/rerank", "/api/pictures", "/"])
def test_a_body_that_is_too_large_is_refused(shop: Shop, path: str) -> None:
    with TestClient(create_app(Settings(data=shop.data), coloured_shop(shop).engine())) as client:
        json = {"content-type": "application/json"}
        form = {"content-type": "multipart/form-data; boundary=x"}
        chunk = b" " * 1_000_000

        def endless() -> Iterator[bytes]:
            if path in ("/", "/api/pictures"):
                yield b'--x\r\nContent-Disposition: form-data; name="picture"; filename="x"\r\n\r\n'
            for _ in range(MAX_BODY_BYTES // len(chunk) + 2):
                yield chunk

        headers = form if path in ("/", "/api/pictures") else json
        answer = client.post(path, content=endless(), headers=headers)

    assert answer.status_code == 413


@pytest.fixture
def port(shop: Shop) -> Iterator[int]:
    app = create_app(Settings(data=shop.data, at_once=1), coloured_shop(shop).engine())
    with listening(app, http=Hasty) as port:
        yield port


def closed_after(opened: socket.socket) -> bytes:
    """What the server says before it closes."""
    opened.settimeout(10)
    said = b""
    while part := opened.recv(4096):
        said += part
    return said


@pytest.mark.parametrize(
    ("encoded", "status"), [("红色鞋子".encode(), b"200"), (b"\xff\xfe", b"200"), (b"\x01", b"400")]
)
def test_words_may_stand_in_an_address_as_they_are(port: int, encoded: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as opened:
        opened.sendall(b"GET /api/search?q=" + encoded + b"&limit=1 HTTP/1.1\r\nHost: localhost\r\n")
        opened.sendall(b"Connection: close\r\n\r\n")

        said = closed_after(opened)

    assert said.split(b" ", 2)[1] == status


def test_a_body_is_never_taken_for_an_address(port: int) -> None:
    body = json.dumps({"query": {"text": "红色鞋子\r\n"}}, ensure_ascii=False).encode()
    head = f"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", port)) as opened:
        opened.sendall(head.encode() + b"Content-Type: application/json\r\nConnection: close\r\n\r\n" + body)

        said = closed_after(opened)

    assert said.split(b" ", 2)[1] == b"200"


def test_a_request_whose_headers_dribble_is_cut_off(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as opened:
        opened.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Dribble:")
        started = time.monotonic()

        assert closed_after(opened) == b""
        assert time.monotonic() - started < 5


def test_a_body_that_dribbles_takes_nobodys_place_and_is_given_up(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.body_limit, "PAUSE_SECONDS", 1.0)
    head = b"POST /api/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    with (
        socket.create_connection(("127.0.0.1", port)) as slow,
        socket.create_connection(("127.0.0.1", port)) as quick,
    ):
        slow.sendall(head)
        time.sleep(0.2)
        quick.sendall(b"GET /api/search?q=red HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert closed_after(quick).startswith(b"HTTP/1.1 200")
        assert b" 408 " in closed_after(slow).partition(b"\r\n")[0]
