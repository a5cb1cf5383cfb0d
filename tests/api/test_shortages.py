"""What runs out on a machine, or is set anew, is no failure of the server: it goes on, or says what it lacks."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.doors import Doors
from api.errors import add_error_handlers
from api.open_connections import OneASecond
from api.patient_protocol import PatientProtocol
from api.sharing import LINK_SECONDS, Gate
from core.settings import Settings
from core.types import Query
from search import live, serving
from tests.serving import listening
from tests.shops import Shop, coloured_shop

MOST = 16


class Crowded(PatientProtocol):
    """Holds few connections."""

    most = MOST


def failing(number: int) -> FastAPI:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/")
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return app


@pytest.mark.parametrize(
    ("number", "lacks"), [(errno.ENOSPC, "disk space"), (errno.EMFILE, "files that it may open")]
)
def test_what_the_machine_lacks_is_said_and_can_be_asked_for_again(number: int, lacks: str) -> None:
    answer = TestClient(failing(number)).get("/")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == f"the server is short of {lacks}"
    assert int(answer.headers["retry-after"]) > 0


def test_an_error_that_nobody_foresaw_stays_one() -> None:
    answer = TestClient(failing(errno.ENOTTY), raise_server_exceptions=False).get("/")

    assert answer.status_code == 500


@contextmanager
def no_more_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_search_goes_on_where_no_file_can_be_opened(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (live, serving):
        monkeypatch.setattr(module, "CHECK_EVERY_SECONDS", 0.0)
    engine = coloured_shop(shop).engine()
    before = engine.search(Query(text="red shoe"), "products").hits

    with no_more_files():
        meanwhile = engine.search(Query(text="red shoe"), "products").hits

    assert meanwhile == before


@pytest.fixture
def port() -> Iterator[int]:
    app = FastAPI()

    @app.get("/")
    def greet() -> str:
        return "welcome"

    with listening(app, http=Crowded) as port:
        yield port


def test_connections_that_say_nothing_make_room_for_who_asks(port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3 * MOST)]

    answers = [httpx2.get(f"http://127.0.0.1:{port}/").status_code for _ in range(3)]
    silent[0].settimeout(5)
    first_is_closed = silent[0].recv(1) == b""

    assert answers == [200, 200, 200]
    assert first_is_closed
    for each in silent:
        each.close()


def test_the_complaint_that_nothing_can_be_accepted_is_made_once_a_second() -> None:
    complaint = logging.makeLogRecord({"msg": "socket.accept() out of system resource"})
    once = OneASecond()

    passed = [once.filter(complaint) for _ in range(100)]

    assert passed[0]
    assert sum(passed) < 5
    assert once.filter(logging.makeLogRecord({"msg": "something else"}))


def test_neither_sessions_nor_waits_depend_on_the_time_of_day(shop: Shop) -> None:
    gate, doors = Gate("a password of the tests"), Doors(Settings(data=shop.data))

    assert 0 < gate.link_until - time.monotonic() <= LINK_SECONDS
    assert doors._clock is time.monotonic
