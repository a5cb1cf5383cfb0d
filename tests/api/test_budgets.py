"""Each visitor has so much work done for it in a while, counted by what a request costs."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.budgets import Budgets, Work
from api.keys import Allowed, Keyring
from core.door_errors import TooMuchWork
from core.errors import InvalidSetting
from core.settings import Settings
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge

REDIS = shutil.which("redis-server")


def server(shop: Shop, *, address: str = "10.0.0.1", **settings: object) -> TestClient:
    made = Settings.model_validate({"data": shop.data, **settings})
    app = create_app(made, coloured_shop(shop).engine(WordJudge()))
    return TestClient(app, client=(address, 1), raise_server_exceptions=False)


def test_a_judged_search_costs_its_depth_and_a_plain_one_next_to_nothing(shop: Shop) -> None:
    client = server(shop, rate_limit="100/hour")

    def search(**rerank: object) -> int:
        body = {"query": {"text": "red shoe"}, "rerank": rerank}
        return client.post("/api/search", json=body).status_code

    assert search(depth=60) == 200
    refused = client.post("/api/search", json={"query": {"text": "red"}, "rerank": {"depth": 60}})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 3_600
    assert "61 units of work" in refused.json()["detail"]
    assert [search(enabled=False) for _ in range(3)] == [200, 200, 200]


def test_a_judged_batch_costs_its_documents(shop: Shop) -> None:
    client = server(shop, rate_limit="100/hour")

    def judge(path: str, documents: int, **more: object) -> int:
        body = {"query": "red shoe", "documents": ["a red shoe"] * documents, **more}
        return client.post(path, json=body).status_code

    assert judge("/api/rerank", 40) == 200
    assert judge("/api/rerank", 40, both_ways=True) == 429
    assert judge("/v1/rerank", 40) == 200
    assert judge("/v1/rerank", 40) == 429
    assert client.get("/?q=red").status_code == 429


def test_what_costs_more_than_is_ever_allowed_takes_all_there_is(shop: Shop) -> None:
    client = server(shop, rate_limit="20/hour")

    assert client.get("/api/search?q=red").status_code == 200
    assert client.get("/api/search?q=red&rerank=false").status_code == 429


def test_another_sender_has_a_budget_of_its_own_and_a_key_its_own_rate(shop: Shop) -> None:
    _, token = Keyring(shop.data).create("search", "", Allowed(rate="10/hour"))
    client = server(shop, rate_limit="2/hour")

    def search(**headers: str) -> int:
        return client.get("/api/search?q=red&rerank=false", headers=headers).status_code

    assert [search() for _ in range(3)] == [200, 200, 429]
    assert [search(**{"x-api-key": token}) for _ in range(11)] == [200] * 10 + [429]


def test_without_a_limit_nothing_is_counted(shop: Shop) -> None:
    client = server(shop)

    assert {client.get("/api/search?q=red").status_code for _ in range(20)} == {200}


@pytest.mark.parametrize("rate", ["0/minute", "ten/minute", "10", "10/fortnight", "-1/second"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        Settings(rate_limit=rate)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis server of its own: its address and its process."""
    if REDIS is None:
        pytest.skip("Redis is not installed")
    pytest.importorskip("redis")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [REDIS, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}", process
        process.terminate()


def test_processes_share_a_budget_in_redis_and_count_for_themselves_when_it_is_gone(
    redis: tuple[str, subprocess.Popen[bytes]],
) -> None:
    address, process = redis
    one, other = Budgets("10/hour", address), Budgets("10/hour", address)

    one.charge("x", Work(6))
    with pytest.raises(TooMuchWork):
        other.charge("x", Work(6))
    process.terminate()
    process.wait()

    started = time.monotonic()
    other.charge("x", Work(6))
    with pytest.raises(TooMuchWork):
        other.charge("x", Work(6))
    assert time.monotonic() - started < 5


def test_a_store_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(InvalidSetting) as refused:
        Budgets("10/hour", "redis://:secret@localhost:notaport")

    assert "secret" not in str(refused.value)
