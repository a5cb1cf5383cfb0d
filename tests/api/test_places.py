"""How long somebody may wait for a place, and who has one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.admission import Admission
from api.app import create_app
from api.places import Limits, Places
from core.door_errors import ServerBusy
from core.settings import Settings
from rerank.judgement import Asked, Document, Judgement
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge

BURST = 30.0


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def places(clock: Clock, at_once: int = 1) -> Places:
    return Places(Limits(at_once, queue=9, queue_seconds=BURST, request_seconds=60), clock)


async def is_waiting(places: Places) -> bool:
    """Whether somebody who comes now is let wait for more than half a second."""
    waiting = asyncio.create_task(places.take())
    done, _ = await asyncio.wait({waiting}, timeout=0.5)
    if not done:
        waiting.cancel()
        return True
    with pytest.raises(ServerBusy):
        waiting.result()
    return False


def test_a_burst_waits() -> None:
    async def burst() -> bool:
        clock = Clock()
        places_ = places(clock)
        for _ in range(40):
            await places_.take()
            places_.free(0.05)
        await places_.take()
        clock.seconds += BURST / 4
        return await is_waiting(places_)

    assert asyncio.run(burst())


def test_where_no_place_was_free_for_long_nobody_waits_longer_than_work_takes() -> None:
    async def overload() -> tuple[bool, bool]:
        clock = Clock()
        places_ = places(clock)
        # Each place is handed on to who waits: none is ever free.
        await places_.take()
        for _ in range(200):
            following = asyncio.create_task(places_.take())
            await asyncio.sleep(0)
            clock.seconds += 0.02 * BURST
            places_.free(0.05)
            await following
        overloaded = await is_waiting(places_)
        places_.free(0.05)
        clock.seconds += BURST
        await places_.take()
        return overloaded, await is_waiting(places_)

    assert asyncio.run(overload()) == (False, True)


def test_who_had_a_place_gets_it_back_before_those_who_wait() -> None:
    async def order() -> list[str]:
        places_, came = places(Clock()), []

        async def wait(name: str, turn: asyncio.Future[None] | asyncio.Task[None]) -> None:
            await turn
            came.append(name)

        await places_.take()
        new = asyncio.create_task(wait("new", asyncio.create_task(places_.take())))
        await asyncio.sleep(0)
        back = asyncio.create_task(wait("back", asyncio.create_task(places_.take_again())))
        await asyncio.sleep(0.01)
        places_.give()
        await back
        places_.give()
        await new
        return came

    assert asyncio.run(order()) == ["back", "new"]


@pytest.mark.parametrize(
    ("judge", "workers", "at_once"), [("lite", 1, 1), ("lite", 4, 1), ("remote", 1, 2), ("remote", 4, 1)]
)
def test_what_is_mostly_waited_for_is_taken_on_more_than_once(
    monkeypatch: pytest.MonkeyPatch, judge: str, workers: int, at_once: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    settings = Settings(reranker=judge, reranker_url="http://judge.example/v1/rerank")

    assert Limits.of(settings, workers).at_once == at_once


class Slow(WordJudge):
    """Takes its time."""

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        time.sleep(1.5)
        return super().score(asked, documents)


def test_who_has_documents_judged_keeps_no_search_out(shop: Shop) -> None:
    settings = Settings(data=shop.data, at_once=1, queue=0)
    app = create_app(settings, coloured_shop(shop).engine(Slow()))
    with TestClient(app) as client, ThreadPoolExecutor(1) as pool:
        judging = pool.submit(client.post, "/api/rerank", json={"query": "red", "document": "a red shoe"})
        time.sleep(0.5)

        search = client.post(
            "/api/search", json={"query": {"text": "red shoe"}, "rerank": {"enabled": False}}
        )

        assert not judging.done()
        assert (search.status_code, judging.result().status_code) == (200, 200)


def test_who_goes_away_while_waiting_to_come_back_neither_takes_a_place_nor_makes_one() -> None:
    async def places_left() -> int:
        places_ = Places(Limits(1, queue=0, queue_seconds=1, request_seconds=60))
        await places_.take()
        back = asyncio.create_task(places_.take_again())
        await asyncio.sleep(0)
        back.cancel()
        await asyncio.wait({back})
        places_.give()
        left = 0
        with suppress(ServerBusy):
            while left < 9:
                await places_.take()
                left += 1
        return left

    assert asyncio.run(places_left()) == 1


class Reader:
    """Takes what is sent to it when it likes to."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.got: list[Message] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            await self.reads.wait()
        self.got.append(message)


def answering(pieces: int) -> ASGIApp:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for left in reversed(range(pieces)):
            await send({"type": "http.response.body", "body": b"x", "more_body": bool(left)})

    return app


SEARCH: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "path": "/api/search",
    "headers": [],
    "query_string": b"q=red",
    "server": ("localhost", 80),
    "scheme": "http",
}


async def never() -> Message:
    await asyncio.Event().wait()
    return {}


@pytest.mark.parametrize("pieces", [1, 3])
def test_who_reads_an_answer_slowly_holds_no_place(pieces: int) -> None:
    async def two_searches() -> list[int]:
        doors = Admission(answering(pieces), Limits(1, queue=0, queue_seconds=1, request_seconds=60))
        slow, quick = Reader(), Reader()
        quick.reads.set()
        reading = asyncio.create_task(doors(SEARCH.copy(), never, slow.send))
        await asyncio.sleep(0.05)

        await doors(SEARCH.copy(), never, quick.send)
        slow.reads.set()
        await reading
        await doors(SEARCH.copy(), never, quick.send)
        return [len(slow.got), len(quick.got), quick.got[-pieces - 1]["status"]]

    assert asyncio.run(two_searches()) == [pieces + 1, 2 * (pieces + 1), 200]


def test_a_reader_who_goes_away_in_the_middle_leaves_a_free_place() -> None:
    async def after_many_who_left() -> int:
        doors = Admission(answering(3), Limits(1, queue=0, queue_seconds=1, request_seconds=60))
        for _ in range(5):
            slow = Reader()
            reading = asyncio.create_task(doors(SEARCH.copy(), never, slow.send))
            await asyncio.sleep(0.01)
            reading.cancel()
            await asyncio.wait({reading})
        quick = Reader()
        quick.reads.set()
        await doors(SEARCH.copy(), never, quick.send)
        return int(quick.got[0]["status"])

    assert asyncio.run(after_many_who_left()) == 200


@pytest.fixture
def crowded(shop: Shop) -> Iterator[TestClient]:
    """A server all of whose places are taken by somebody's long judgings."""
    judge = Slow()
    engine = coloured_shop(shop).engine(judge)
    settings = Settings(data=shop.data, at_once=1, queue=0)
    with TestClient(create_app(settings, engine)) as client, ThreadPoolExecutor(2) as pool:
        body = {"query": {"text": "red shoe"}, "rerank": {"budget_ms": 20_000}}
        pool.submit(client.post, "/api/search", json=body)
        pool.submit(client.post, "/api/rerank", json={"query": "red", "document": "a red shoe"})
        time.sleep(0.5)
        yield client


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("GET", "/?q=red+shoe&lang=en", {}),
        ("POST", "/", {"q": "red shoe", "lang": "en"}),
        ("POST", "/rerank", {"q": "red shoe", "text-0": "a red shoe", "lang": "en", "judge": "one"}),
    ],
)
def test_a_person_is_told_by_the_page_that_it_is_busy_and_loses_nothing(
    crowded: TestClient, method: str, path: str, form: dict[str, str]
) -> None:
    files = {"none": ("", b"")} if form else None

    page = crowded.request(method, path, data=form or None, files=files)

    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Many people are searching just now." in page.text
    assert "red shoe" in page.text


def test_a_program_is_told_so_as_a_problem(crowded: TestClient) -> None:
    answer = crowded.get("/api/search?q=red+shoe")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
