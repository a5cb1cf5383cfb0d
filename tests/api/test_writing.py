"""Products that are put over HTTP: with the right key they are found at once, and nobody else gets to write."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import lychee
from api.app import create_app
from api.guesses import FREE_TRIES
from api.keys import Keyring
from core.encoder_choice import EncoderChoice
from core.fetch import Fetcher
from core.settings import Settings
from indexer.lock import exclusive
from indexer.putting import CatalogWriter
from search.engine import SearchEngine
from tests.shops import Shop, coloured_shop, product

ADMIN = "an admin key of the tests"
JSON = {"content-type": "application/json"}
BEARER = {"authorization": f"Bearer {ADMIN}"}


def picture(colour: str) -> str:
    """A data URI of a picture all in one colour."""
    kept = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(kept, "PNG")
    return f"data:image/png;base64,{base64.b64encode(kept.getvalue()).decode()}"


def server(shop: Shop, engine: SearchEngine, **settings: object) -> TestClient:
    writer = CatalogWriter(engine, shop.data, fetcher=Fetcher(seconds=2), patience_seconds=0.2)
    made = Settings.model_validate({"data": shop.data, **settings})
    return TestClient(create_app(made, engine, writer=writer), raise_server_exceptions=False)


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    coloured_shop(shop)
    with server(shop, shop.engine(), admin_key=ADMIN) as running:
        yield running


def first(client: TestClient, **query: str) -> str:
    hits = client.post("/api/search", json={"query": query, "limit": 1}).json()["hits"]
    return str(hits[0]["id"])


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds within two seconds."""
    until = time.monotonic() + 2
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_a_product_that_is_put_is_found_by_its_words_and_its_picture_within_two_seconds(
    client: TestClient,
) -> None:
    assert first(client, text="purple umbrella") != "u1"

    body = {"title": "purple umbrella", "image_link": picture("#800080"), "price": "30 EUR"}
    answer = client.put("/api/products/u1", json=body, headers=BEARER)

    assert answer.json() == {"stored": 1, "updated": 0, "unchanged": 0, "rejected": []}
    assert soon(lambda: first(client, image=picture("#800080")) == "u1")
    assert first(client, text="purple umbrella") == "u1"
    assert client.get("/images/products/u1").status_code == 200
    assert client.get("/api/products/u1").json()["price"] == 30.0


def test_the_same_again_changes_nothing_and_another_price_is_an_update(client: TestClient) -> None:
    body = {"title": "purple umbrella", "image": picture("purple"), "price": 30}
    client.put("/api/products/u1", json=body, headers=BEARER)

    again = client.put("/api/products/u1", json=body, headers=BEARER).json()
    dearer = client.put("/api/products/u1", json=body | {"price": 35}, headers=BEARER).json()

    assert (again["unchanged"], again["updated"]) == (1, 0)
    assert (dearer["unchanged"], dearer["updated"]) == (0, 1)


def test_a_product_that_is_removed_is_not_found_any_more(client: TestClient) -> None:
    assert first(client, text="red shoe") == "red shoe"

    assert client.delete("/api/products/red shoe", headers=BEARER).json() == {"removed": 1}

    assert soon(lambda: first(client, text="red shoe") != "red shoe")
    assert client.delete("/api/products/red shoe", headers=BEARER).status_code == 404


def test_a_batch_refuses_alone_what_a_feed_would_refuse(client: TestClient) -> None:
    products = [
        {"id": "a", "title": "white hat", "image": picture("white")},
        {"title": "no id"},
        {"id": "b"},
        {"id": "a", "title": "the same id"},
        {"id": "c", "title": "a path", "image": "../../etc/passwd"},
        {"id": "d", "title": "no picture", "image": "data:image/png;base64,aGVsbG8="},
        {"id": "e", "title": "half a character \ud83d", "price": "cheap"},
        {"id": "f", "title": "deep", "more": json.loads("[" * 600 + "]" * 600)},
    ]

    answer = client.post(
        "/api/products/batch", content=json.dumps({"products": products}), headers=BEARER | JSON
    ).json()

    assert answer["stored"] == 3
    assert sorted((each["line"], each["code"]) for each in answer["rejected"]) == [
        (2, "missing_id"),
        (3, "empty_product"),
        (4, "duplicate_id"),
        (5, "bad_link"),
        (6, "not_a_picture"),
        (7, "bad_encoding"),
        (8, "broken_row"),
    ]


def test_a_product_of_which_nothing_can_be_kept_is_refused_with_its_reason(client: TestClient) -> None:
    answer = client.put("/api/products/x", json={"image": "data:image/png;base64,aGVsbG8="}, headers=BEARER)

    assert answer.status_code == 422
    assert "not_a_picture" in answer.json()["detail"]
    assert client.get("/api/products/x").status_code == 404


@pytest.mark.parametrize(
    "link",
    [
        "http://localhost/x.png",
        "http://127.0.0.1:7860/readyz",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x.png",
        "http://[::ffff:127.0.0.1]/x.png",
        "http://[64:ff9b::7f00:1]/x.png",
        "http://2130706433/x.png",
        "http://0.0.0.0/x.png",
        "https://10.0.0.7/x.png",
    ],
)
def test_no_link_leads_into_the_servers_own_network(client: TestClient, link: str) -> None:
    answer = client.put("/api/products/x", json={"title": "thing", "image": link}, headers=BEARER).json()

    assert [each["code"] for each in answer["rejected"]] == ["forbidden_address"]


def test_a_link_with_a_users_name_is_refused_before_its_server_is_looked_for(client: TestClient) -> None:
    product = {"title": "thing", "image": "https://user:pw@10.0.0.7/x.png"}
    answer = client.put("/api/products/x", json=product, headers=BEARER).json()

    assert [each["code"] for each in answer["rejected"]] == ["bad_link"]


@pytest.mark.parametrize("link", ["file:///etc/passwd", "/etc/passwd", "catalog.db", "red.png", "ftp://x/y"])
def test_no_path_of_the_server_is_read(client: TestClient, link: str) -> None:
    answer = client.put("/api/products/x", json={"title": "thing", "image": link}, headers=BEARER).json()

    assert [each["code"] for each in answer["rejected"]] == ["bad_link"]


def test_the_id_of_the_address_counts_and_the_bodys_may_not_be_another(client: TestClient) -> None:
    assert client.put("/api/products/a/b", json={"title": "odd"}, headers=BEARER).status_code == 200
    other = client.put("/api/products/a", json={"id": "b", "title": "x"}, headers=BEARER)

    assert client.get("/api/products/a/b").json()["title"] == "odd"
    assert other.status_code == 400


def test_a_catalog_is_made_where_there_is_none_and_its_name_is_checked(client: TestClient) -> None:
    made = client.put("/api/products/x?catalog=hats", json={"title": "a hat"}, headers=BEARER)
    odd = client.put("/api/products/x?catalog=../x", json={"title": "a hat"}, headers=BEARER)

    assert made.json()["stored"] == 1
    found = client.get("/api/search", params={"q": "hat", "catalog": "hats"}).json()["hits"]
    assert [hit["id"] for hit in found] == ["x"]
    assert odd.status_code == 400


def test_what_the_last_ingest_refused_and_indexed_stays_known(shop: Shop, client: TestClient) -> None:
    shop.ingest([{"id": "", "title": "no id"}, product(shop, "red shoe", "red")])
    rejects = shop.store.catalog("products").rejects()

    client.put("/api/products/x", json={"title": "thing"}, headers=BEARER)

    assert shop.store.catalog("products").rejects() == rejects
    assert len(shop.store.catalog("products").runs()) == 2
    assert (shop.data / "rejects" / "products.jsonl").exists()


def test_while_an_ingest_runs_a_put_is_told_to_come_again(shop: Shop, client: TestClient) -> None:
    with exclusive(shop.data, "products"):
        put = client.put("/api/products/x", json={"title": "thing"}, headers=BEARER)
        removed = client.delete("/api/products/red shoe", headers=BEARER)

    assert (put.status_code, put.headers["retry-after"]) == (409, "10")
    assert removed.status_code == 409
    assert client.put("/api/products/x", json={"title": "thing"}, headers=BEARER).status_code == 200


def test_while_the_server_changes_over_to_another_encoder_a_put_is_told_to_come_again(
    shop: Shop, client: TestClient
) -> None:
    assert first(client, text="red shoe") == "red shoe"
    encoding = shop.store.catalog("products").encoding
    here = EncoderChoice("lite")
    encoding.switch(EncoderChoice("open_clip", "other"), "other@1", before=here, before_fingerprint="color@1")

    answer = client.put("/api/products/x", json={"title": "thing"}, headers=BEARER)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert client.get("/api/products/x").status_code == 404


def test_puts_at_the_same_time_wait_for_each_other(shop: Shop) -> None:
    engine = coloured_shop(shop).engine()
    writer = CatalogWriter(engine, shop.data)
    stored = []

    def put(number: int) -> None:
        stored.append(writer.put("products", [{"id": f"n{number}", "title": f"hat {number}"}]).stored)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert stored == [1] * 6


def test_without_any_admin_key_writing_is_off_and_says_how_to_turn_it_on(shop: Shop) -> None:
    coloured_shop(shop)
    with server(shop, shop.engine()) as client:
        for answer in (
            client.put("/api/products/x", json={"title": "thing"}),
            client.delete("/api/products/red shoe", headers=BEARER),
            client.post("/api/products/batch", content=b"not even JSON"),
        ):
            assert answer.status_code == 403
            assert answer.headers["content-type"] == "application/problem+json"
            assert "LYCHEE_ADMIN_KEY" in answer.json()["detail"]
        assert client.get("/api/search?q=red").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}, {"x-api-key": "wrong"}],
    ids=["missing", "wrong", "of another scheme", "wrong in its own header"],
)
def test_without_the_right_key_nothing_is_written(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.put("/api/products/x", json={"title": "thing"}, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert client.get("/api/products/x").status_code == 404


def test_a_body_without_a_key_is_not_even_read(client: TestClient) -> None:
    read = []

    def endless() -> Iterator[bytes]:
        for _ in range(3):
            read.append(1)
            yield b"x" * 1_000

    assert client.post("/api/products/batch", content=endless()).status_code == 401
    answer = client.post("/api/products/batch", content=b"{", headers=BEARER | JSON)
    assert answer.status_code == 422


def test_who_guesses_the_admin_key_waits(client: TestClient) -> None:
    codes = [
        client.put("/api/products/x", json={}, headers={"x-api-key": f"guess {n}"}).status_code
        for n in range(FREE_TRIES + 2)
    ]

    # After the free tries one more may come at once; the wait begins with it.
    assert codes[:FREE_TRIES] == [401] * FREE_TRIES
    assert codes[-1] == 429
    refused = client.put("/api/products/x", json={"title": "x"}, headers=BEARER)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")


def test_a_made_key_writes_until_it_is_revoked_and_a_rotated_one_ends_at_once(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    coloured_shop(shop)

    def told(*arguments: str) -> dict[str, str]:
        assert lychee.run(["keys", *arguments, "--data", str(shop.data), "--json"]) == 0
        answer: dict[str, str] = json.loads(capfd.readouterr().out)
        return answer

    made = told("create", "--name", "stock system")
    with server(shop, shop.engine()) as client:

        def status(key: str) -> int:
            return client.put("/api/products/x", json={"title": "x"}, headers={"x-api-key": key}).status_code

        assert status(made["key"]) == 200
        rotated = told("rotate", made["id"])
        assert (status(made["key"]), status(rotated["key"])) == (401, 200)
        told("revoke", made["id"])
        assert status(rotated["key"]) == 401
        other = told("create")
        assert (status(rotated["key"]), status(other["key"])) == (401, 200)

    assert lychee.run(["keys", "revoke", "nowhere", "--data", str(shop.data)]) == 2
    assert lychee.run(["keys", "list", "--data", str(shop.data)]) == 0
    listed = capfd.readouterr().out
    assert "stock system" in listed
    assert made["key"] not in listed


def test_a_key_is_kept_as_a_hash_in_a_file_that_only_its_owner_reads(shop: Shop) -> None:
    _, token = Keyring(shop.data).create("admin", "x")
    kept = shop.data / "keys.json"

    assert token.split("_")[2] not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_a_damaged_file_of_keys_lets_nobody_in_and_is_not_written_over(shop: Shop) -> None:
    coloured_shop(shop)
    (shop.data / "keys.json").write_text('{"keys": [{"id": "x"')

    with server(shop, shop.engine(), admin_key=ADMIN) as client:
        answer = client.put("/api/products/x", json={"title": "x"}, headers=BEARER)
    assert answer.status_code == 503
    assert "keys.json" in answer.json()["detail"]
    assert lychee.run(["keys", "create", "--data", str(shop.data)]) == 1
    assert (shop.data / "keys.json").read_text() == '{"keys": [{"id": "x"'


def test_a_short_admin_key_is_refused_and_not_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYCHEE_ADMIN_KEY", "hunter2")

    assert lychee.run(["catalog", "list"]) == 2
    told = capfd.readouterr().err
    assert "LYCHEE_ADMIN_KEY" in told
    assert "16" in told
    assert "hunter2" not in told
