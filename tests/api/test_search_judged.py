"""The judge's part of a search over HTTP: relevance, bands, status, and the answer as a stream."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from core.settings import Settings
from rerank.judgement import Asked, Document, Judgement
from search.engine import SearchEngine
from search.judging import Judging
from tests.serving import serving
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge

Event = tuple[str, dict[str, Any]]
RED_BAG = {"query": {"text": "red bag"}, "limit": 2}


@pytest.fixture
def engine(shop: Shop) -> SearchEngine:
    return coloured_shop(shop).engine(WordJudge())


@pytest.fixture
def client(shop: Shop, engine: SearchEngine) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data=shop.data), engine), raise_server_exceptions=False) as running:
        yield running


def events(text: str) -> list[Event]:
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def ids(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


def test_a_hit_carries_what_the_judge_said(client: TestClient) -> None:
    answer = client.post("/api/search", json={"query": {"text": "red bag"}}).json()

    assert answer["rerank"] == {
        "status": "full", "scored": 6, "of": 6, "reason": None, "model": "words@1",
    }  # fmt: skip
    hits = {hit["id"]: hit for hit in answer["hits"]}
    assert ids(answer)[0] == "red bag"
    assert (hits["red bag"]["relevance"], hits["red bag"]["band"]) == (1.0, "high")
    assert (hits["red shoe"]["relevance"], hits["red shoe"]["band"]) == (0.5, "medium")
    assert (hits["blue shoe"]["relevance"], hits["blue shoe"]["band"]) == (0.0, "low")
    assert hits["red shoe"]["checks"] == [
        {"attribute": "word", "wanted": "red", "holds": True, "confidence": 1.0},
        {"attribute": "word", "wanted": "bag", "holds": False, "confidence": 1.0},
    ]
    assert (hits["red shoe"]["basis"], hits["red shoe"]["cut"]) == (["words"], False)
    assert {hit["recall_rank"] for hit in answer["hits"]} == set(range(1, 7))


def test_the_request_says_how_far_the_judge_may_go(client: TestClient) -> None:
    few = client.post("/api/search", json={**RED_BAG, "rerank": {"depth": 2}}).json()
    none = client.post("/api/search", json={**RED_BAG, "rerank": {"enabled": False}}).json()

    assert (few["rerank"]["scored"], few["rerank"]["of"]) == (2, 2)
    assert none["rerank"]["status"] == "skipped"
    assert [hit["relevance"] for hit in none["hits"]] == [None, None]
    assert [hit["checks"] for hit in none["hits"]] == [[], []]


def test_what_the_request_leaves_out_is_as_the_server_is_set_up(
    client: TestClient, engine: SearchEngine
) -> None:
    engine.judging = Judging(depth=3)

    answer = client.post("/api/search", json={**RED_BAG, "rerank": {"min_band": "low"}}).json()

    assert answer["rerank"]["of"] == 3


def test_only_hits_of_a_band_are_shown(client: TestClient) -> None:
    fitting = client.post("/api/search", json={**RED_BAG, "rerank": {"min_band": "high"}}).json()
    plain = client.get("/api/search", params={"q": "red bag", "min_band": "medium"}).json()

    assert ids(fitting) == ["red bag"]
    assert fitting["total"] == {
        "value": 1, "exact": True, "hidden_below_band": 5, "hidden_unjudged": 0,
    }  # fmt: skip
    assert plain["total"]["value"] == 4


def test_the_plain_form_takes_an_instruction_and_does_without_the_judge(
    client: TestClient, engine: SearchEngine
) -> None:
    client.get("/api/search", params={"q": "red bag", "instruction": "weigh the colour"})
    plain = client.get("/api/search", params={"q": "red bag", "rerank": "false"}).json()

    assert isinstance(engine.reranker, WordJudge)
    assert engine.reranker.instructions == ["weigh the colour"]
    assert plain["rerank"]["status"] == "skipped"


@pytest.mark.parametrize(
    ("rerank", "says"),
    [
        ({"depth": 0}, "rerank.depth"),
        ({"depth": 5_000}, "rerank.depth"),
        ({"budget_ms": 0}, "rerank.budget_ms"),
        ({"min_band": "best"}, "rerank.min_band"),
        ({"instruction": "x" * 2_001}, "rerank.instruction"),
        ({"deep": 3}, "rerank.deep"),
    ],
)
def test_a_judge_can_not_be_told_nonsense(client: TestClient, rerank: dict[str, object], says: str) -> None:
    answer = client.post("/api/search", json={**RED_BAG, "rerank": rerank})

    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_a_judge_that_fails_is_reported_and_the_search_is_answered(shop: Shop) -> None:
    app = create_app(Settings(data=shop.data), coloured_shop(shop).engine(WordJudge(fails_after=0)))

    with TestClient(app) as client:
        answer = client.post("/api/search", json=RED_BAG)

    assert answer.status_code == 200
    assert answer.json()["rerank"] == {
        "status": "failed", "scored": 0, "of": 6, "reason": "reranker words@1: it is out of memory",
        "model": "words@1",
    }  # fmt: skip


@pytest.mark.parametrize("how", ["field", "header", "get", "get header"])
def test_a_stream_brings_recalls_order_then_the_judges(client: TestClient, how: str) -> None:
    accept = {"Accept": "text/event-stream"} if "header" in how else {}
    if how.startswith("get"):
        address = "/api/search?q=red+bag&limit=2" + ("" if accept else "&stream=true")
        answer = client.get(address, headers=accept)
    else:
        answer = client.post(
            "/api/search", json=RED_BAG if accept else {**RED_BAG, "stream": True}, headers=accept
        )

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    (first, recall), (second, reranked), (third, done) = events(answer.text)
    assert (first, second, third) == ("recall", "reranked", "done")
    assert (recall["rerank"]["status"], reranked["rerank"]["status"]) == ("skipped", "full")
    assert [hit["recall_rank"] for hit in recall["hits"]] == [1, 2]
    assert reranked["hits"][0]["relevance"] == 1.0
    assert recall["query_id"] == reranked["query_id"] == done["query_id"]


def test_the_cursor_of_recalls_event_leads_into_the_judged_order(client: TestClient) -> None:
    whole = ids(client.post("/api/search", json={**RED_BAG, "limit": 6}).json())
    (_, recall), (_, reranked), _ = events(client.post("/api/search", json={**RED_BAG, "stream": True}).text)

    page = events(
        client.post("/api/search", json={**RED_BAG, "cursor": recall["cursor"], "stream": True}).text
    )

    assert [name for name, _ in page] == ["reranked", "done"]
    assert ids(reranked) + ids(page[0][1]) == whole[:4]


def test_what_can_not_be_searched_is_a_problem_and_no_stream(client: TestClient) -> None:
    answer = client.post("/api/search", json={"query": {"text": "x"}, "catalog": "nowhere", "stream": True})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_problem_after_the_stream_began_is_its_last_event(
    client: TestClient, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    class Burning(WordJudge):
        """Takes the shop's database with it."""

        def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
            with closing(sqlite3.connect(shop.data / "catalog.db")) as database:
                database.execute("DROP TABLE document")
            return super().score(asked, documents)

    with TestClient(create_app(Settings(data=shop.data), shop.engine(Burning()))) as burning:
        (first, _), (last, problem) = events(
            burning.post("/api/search", json={**RED_BAG, "stream": True}).text
        )

    assert (first, last) == ("recall", "error")
    assert problem["status"] == 503
    assert problem["detail"] == "the catalog can't be read just now; the server's log says why"
    assert "no such table" in caplog.text


def test_the_first_event_does_not_wait_for_the_judge(shop: Shop) -> None:
    engine = coloured_shop(shop).engine(WordJudge(seconds=0.1))
    engine.live("products")
    with (
        serving(create_app(Settings(data=shop.data), engine)) as url,
        httpx2.stream("POST", f"{url}/api/search", json={**RED_BAG, "stream": True}) as answer,
    ):
        lines = ((line, time.monotonic()) for line in answer.iter_lines())
        arrived = [(line, at) for line, at in lines if line.startswith("event: ")]

    assert [line for line, _ in arrived] == ["event: recall", "event: reranked", "event: done"]
    assert arrived[1][1] - arrived[0][1] > 0.4


def test_a_client_that_goes_away_ends_the_judging(shop: Shop) -> None:
    judge = WordJudge(micro_batch=1, seconds=0.3)
    engine = coloured_shop(shop).engine(judge)
    with serving(create_app(Settings(data=shop.data), engine)) as url:
        body = {**RED_BAG, "stream": True, "rerank": {"budget_ms": 60_000}}
        with httpx2.stream("POST", f"{url}/api/search", json=body) as answer:
            next(answer.iter_lines())
        time.sleep(1.5)

        assert judge.judged <= 2
