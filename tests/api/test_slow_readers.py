"""An answer that nobody reads is not kept for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from api.patient_protocol import PatientProtocol
from tests.serving import listening

PART = b"x" * 65_536
PARTS = 400


class Hasty(PatientProtocol):
    """Waits shorter than people would."""

    reading_seconds = 0.5


@pytest.fixture
def ended() -> threading.Event:
    return threading.Event()


@pytest.fixture
def port(ended: threading.Event) -> Iterator[int]:
    async def parts() -> AsyncIterator[bytes]:
        try:
            for _ in range(PARTS):
                yield PART
        finally:
            ended.set()

    async def large(_: Request) -> StreamingResponse:
        return StreamingResponse(parts())

    app = Starlette(routes=[Route("/", large)])
    with listening(app, http=Hasty) as port:
        yield port


def asking(port: int) -> socket.socket:
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    opened.settimeout(20)
    opened.connect(("127.0.0.1", port))
    opened.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return opened


def taken(opened: socket.socket, *, pause: float = 0.0) -> int:
    """How many bytes come until the connection ends."""
    size = 0
    with contextlib.suppress(ConnectionResetError):
        while part := opened.recv(65_536):
            size += len(part)
            time.sleep(pause)
    return size


def test_who_reads_nothing_is_let_go_and_the_answer_ends(port: int, ended: threading.Event) -> None:
    with asking(port) as opened:
        assert ended.wait(10)
        assert taken(opened) < PARTS * len(PART)


def test_who_reads_a_byte_now_and_then_is_let_go_too(port: int, ended: threading.Event) -> None:
    with asking(port) as opened:
        for _ in range(100):
            if ended.is_set():
                break
            with contextlib.suppress(ConnectionResetError):
                opened.recv(100)
            time.sleep(0.1)

        assert ended.is_set()
        assert taken(opened) < PARTS * len(PART)


def test_who_reads_slowly_but_steadily_gets_it_all(port: int) -> None:
    with asking(port) as opened:
        assert taken(opened, pause=0.004) >= PARTS * len(PART)
