"""What belongs to nobody in particular: headers on every answer, odd paths, odd headers, odd JSON, redirected links."""

from __future__ import annotations

import base64
import json
import socket
import zlib
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.sharing import Gate
from core.database_errors import DatabaseUnreachable
from core.errors import UnreadableImage
from core.fetch import Fetcher
from core.settings import Settings
from indexer.putting import CatalogWriter
from tests.shops import Shop, coloured_shop

ADMIN = {"x-api-key": "an admin key of the tests"}


@pytest.fixture
def app(shop: Shop) -> FastAPI:
    engine = coloured_shop(shop).engine()
    settings = Settings(data=shop.data, admin_key=ADMIN["x-api-key"], cors_origins="https://shop.example")
    return create_app(settings, engine, writer=CatalogWriter(engine, shop.data, fetcher=Fetcher(seconds=2)))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    @app.get("/fails")
    def fails() -> None:
        raise RuntimeError

    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as running:
        yield running


@pytest.mark.parametrize(
    "path",
    [
        "/", "/rerank", "/docs", "/openapi.json", "/api/search?q=red", "/api/search", "/nowhere", "/healthz",
        "/images/products/red%20shoe", "/images/products/none", "/static/nothing", "/metrics", "/fails", "/favicon.ico",
    ],
)  # fmt: skip
def test_every_answer_says_what_browsers_may_not_do_with_it(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cross-origin-resource-policy"] == (
        "cross-origin" if headers.get("content-type", "").startswith("image/") else "same-origin"
    )


def test_refusals_at_the_doors_say_it_too(shop: Shop) -> None:
    app = create_app(Settings(data=shop.data), coloured_shop(shop).engine(), Gate("correct horse"))
    with TestClient(app) as client:
        refused = client.get("/api/search?q=red")

    assert refused.status_code == 401
    assert refused.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    [
        "/images/products/../../catalog.db",
        "/images/products/..%2f..%2fcatalog.db",
        "/images/products/%2e%2e/%2e%2e/keys.json",
        "/images/..%2f..%2fetc/passwd",
        "/images/products/%00",
        "/images/products//etc/passwd",
        "/images/products/..%5c..%5ckeys.json",
        "/uploads/..%2fkeys.json",
        "/static/..%2f..%2fpyproject.toml",
        "/static/%2e%2e/api/app.py",
    ],
)
def test_no_path_leads_out_of_the_pictures(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code in (400, 404)
    assert b"root:" not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        "/?q=x%0d%0aSet-Cookie:%20a=b",
        "/login?next=/%0d%0aX-Evil:%201",
        "/api/products/x%0d%0aX-Evil:1",
    ],
)
def test_no_line_end_gets_into_a_header(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert "set-cookie" not in answer.headers
    assert "x-evil" not in answer.headers


def test_a_form_leads_to_an_address_without_line_ends(client: TestClient) -> None:
    answer = client.post("/", data={"q": "x\r\nSet-Cookie: a=b"})

    assert answer.status_code == 303
    assert "\n" not in answer.headers["location"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"query": ' + '{"text": ' * 50_000 + "1" + "}" * 50_001,
        '{"query": {"text": "x", "not": ' + json.dumps(["x"] * 30) + "}}",
        '{"query": {"text": "' + "x" * 3_000 + '"}}',
        '{"query": {"text": "x"}, "limit": ' + "9" * 5_000 + "}",
        '{"query": {"text": "x"}, "limit": NaN}',
        '{"query": {"text": "x"}, "facets": {"a": 1}}',
        '{"query": null}',
        "\ufeff{}",
        "\x00",
        '"\\ud800"',
    ],
    ids=lambda body: body[:20].encode("unicode_escape").decode(),
)
def test_odd_json_is_refused_as_a_problem(client: TestClient, body: str) -> None:
    answer = client.post(
        "/api/search", content=body.encode("utf-8"), headers={"content-type": "application/json"}
    )

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def bomb() -> bytes:
    """A PNG of a few kilobytes that says it has 400 million pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")
        )

    side = (20_000).to_bytes(4, "big")
    rows = zlib.compress(b"\0" * 1_000_000)
    header = chunk(b"IHDR", side + side + bytes([8, 2, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_picture_that_would_fill_the_memory_is_refused_at_every_way_in(client: TestClient) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(bomb()).decode()}"

    assert client.post("/api/search", json={"query": {"image": uri}}).status_code == 422
    assert client.post("/api/pictures", files={"picture": ("x.png", bomb())}).status_code == 422
    judged = client.post("/api/rerank", json={"query": "x", "documents": [{"image": uri}]})
    assert judged.status_code in (200, 422, 503)
    put = client.put("/api/products/x", json={"title": "x", "image": uri}, headers=ADMIN).json()
    assert [each["code"] for each in put["rejected"]] == ["too_many_pixels"]


def test_a_name_is_asked_once_and_the_address_that_was_checked_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, connected = [], []

    def rebinding(host: str, *_: object, **__: object) -> object:
        asked.append(host)
        address = "203.0.113.7" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]

    def connecting(address: object, **_: object) -> socket.socket:
        connected.append(address)
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket, "create_connection", connecting)
    public = Fetcher(allow=lambda address: str(address) == "203.0.113.7", seconds=2)

    with pytest.raises(UnreadableImage):
        public.fetch("http://rebind.example/x.png")
    with pytest.raises(UnreadableImage, match="not on the public internet"):
        public.fetch("http://rebind.example/x.png")

    assert connected == [("203.0.113.7", 80)]


def test_a_stranger_is_not_told_where_the_catalog_is_and_who_writes_or_watches_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = DatabaseUnreachable("shop@10.0.0.7:5432/catalog", "connection refused")
    engine = coloured_shop(shop).engine()
    app = create_app(Settings(data=shop.data), engine)

    @app.get("/api/lost")
    @app.put("/api/lost")
    def lost() -> list[str]:
        raise gone

    with TestClient(app) as client:
        read, written = client.get("/api/lost"), client.put("/api/lost")
        monkeypatch.setattr(engine.store, "names", lost)
        watched = client.get("/readyz")

    assert (read.status_code, read.headers["retry-after"]) == (503, "5")
    assert read.json()["detail"] == "the catalog can't be read just now; the server's log says why"
    assert "10.0.0.7:5432" in written.json()["detail"]
    assert "10.0.0.7:5432" in watched.json()["detail"]
