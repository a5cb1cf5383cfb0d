"""The log of a server: a line a request that machines can read, and nothing in it that is nobody's business."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.logs import JsonLines, TextLines
from core.settings import Settings
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge

Lines = Callable[[], list[str]]


@contextmanager
def logged(formatter: logging.Formatter) -> Iterator[Lines]:
    """What is logged meanwhile, in the form that a server's log has."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger("lychee")
    root.addHandler(handler)
    before = root.level
    root.setLevel(logging.INFO)
    try:
        yield lambda: stream.getvalue().splitlines()
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


@pytest.fixture
def json_lines() -> Iterator[Lines]:
    with logged(JsonLines()) as lines:
        yield lines


@pytest.fixture
def app(shop: Shop) -> FastAPI:
    coloured_shop(shop)
    return create_app(Settings(data=shop.data), shop.engine(WordJudge()))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


def parsed(lines: Lines) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines()]


def test_a_search_leaves_one_line_with_its_id_and_the_times_of_its_stages(
    client: TestClient, json_lines: Lines
) -> None:
    answer = client.post("/api/search", json={"query": {"text": "red shoe"}, "limit": 2})

    (line,) = parsed(json_lines)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert {name: line[name] for name in ("level", "logger", "method", "route", "status")} == {
        "level": "info", "logger": "lychee.request", "method": "POST", "route": "/api/search", "status": 200,
    }  # fmt: skip
    (search,) = line["searches"]
    assert (search["catalog"], search["hits"], search["total"], search["rerank"]) == (
        "products",
        2,
        6,
        "full",
    )
    assert search["query_id"] == answer.json()["query_id"]
    assert set(search["took_ms"]) == {"encode", "recall", "metadata", "rerank", "total"}
    assert 0 < search["took_ms"]["total"] <= line["took_ms"]


def test_words_that_were_searched_stay_out_of_the_log_unless_asked_for(
    shop: Shop, client: TestClient, json_lines: Lines
) -> None:
    client.get("/api/search", params={"q": "red shoe", "filter": "price < 60"})
    client.get("/", params={"q": "red shoe"})
    assert "shoe" not in "".join(json_lines())

    app = create_app(Settings(data=shop.data, log_queries=True), shop.engine())
    with TestClient(app) as telling:
        telling.get("/api/search", params={"q": "red shoe"})
    assert parsed(json_lines)[-1]["searches"][0]["query"] == "red shoe"


def test_secrets_in_headers_and_addresses_stay_out_of_the_log(client: TestClient, json_lines: Lines) -> None:
    secrets = {"authorization": "Bearer open-sesame", "cookie": "lychee_session=open-sesame"}
    client.get("/healthz/../login?token=open-sesame", headers=secrets)

    assert json_lines()
    assert "sesame" not in "".join(json_lines())


@pytest.mark.parametrize("given", ["a-1", "4bf92f35/77b3:4da6=a3ce", "x" * 64])
def test_an_id_that_the_caller_gives_is_kept(client: TestClient, json_lines: Lines, given: str) -> None:
    answer = client.get("/api/search", params={"q": "red"}, headers={"x-request-id": given})

    assert answer.headers["x-request-id"] == given
    assert parsed(json_lines)[0]["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "a,b", "a<b", "\xe9"])
def test_an_id_that_could_do_harm_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/healthz", headers={b"x-request-id": given.encode("latin-1")})

    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


def test_a_stream_is_logged_once_with_its_last_answer(client: TestClient, json_lines: Lines) -> None:
    client.post("/api/search", json={"query": {"text": "red shoe"}, "stream": True})

    (line,) = parsed(json_lines)
    assert [search["rerank"] for search in line["searches"]] == ["full"]


def test_a_refusal_is_logged_with_its_status(client: TestClient, json_lines: Lines) -> None:
    client.post("/api/search", json={"query": {"text": "red"}, "catalog": "nowhere"})

    (line,) = parsed(json_lines)
    assert (line["status"], "searches" in line) == (404, False)


def test_an_unforeseen_error_has_one_id_in_the_answer_and_in_the_log(app: FastAPI, json_lines: Lines) -> None:
    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("nobody foresaw this")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/broken")

    lines = parsed(json_lines)
    assert {line["request_id"] for line in lines} == {answer.headers["x-request-id"]}
    assert [line.get("status") for line in lines if line["logger"] == "lychee.request"] == [500]
    assert any("nobody foresaw this" in line.get("exception", "") for line in lines)
    assert "nobody" not in answer.text


def test_probes_and_files_of_the_page_leave_no_lines(client: TestClient, json_lines: Lines) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/static/lychee.svg"):
        assert client.get(path).status_code == 200

    assert json_lines() == []


def test_a_line_for_people_says_the_same_and_stays_one_line(client: TestClient) -> None:
    with logged(TextLines()) as lines:
        client.get("/api/search", params={"q": "red shoe", "limit": 2}, headers={"x-request-id": "seven"})
        client.get("/a%0aINFO forged")

    first, second = lines()
    assert re.match(
        r"INFO lychee.request GET /api/search 200 [\d.]+ ms \(products: 2 of 6, judged full, encode=", first
    )
    assert first.endswith(" [seven]")
    assert second.startswith("INFO lychee.request GET /a%0AINFO%20forged 404 ")
