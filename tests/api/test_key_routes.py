"""A key that searches one catalog opens no other by any route, and no odd request gets around the gate."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image

import api.routes
from api.app import create_app
from api.keys import Allowed, Keyring
from core.settings import Settings
from indexer.putting import CatalogWriter
from tests.shops import Shop, coloured_shop, product

SECRET = "secret hat"
Ask = Callable[[TestClient], Response]
ROUTES: dict[str, list[Ask]] = {
    "/api/search": [
        lambda client: client.post("/api/search", json={"query": {"text": "hat"}, "catalog": "others"}),
        lambda client: client.post(
            "/api/search", json={"query": {"like": [SECRET]}, "catalog": "others", "stream": True}
        ),
        lambda client: client.post(
            "/api/search",
            content='{"query": {"text": "hat"}, "catalog": "products", "catalog": "others"}',
            headers={"content-type": "application/json"},
        ),
        lambda client: client.get("/api/search?q=hat&catalog=others"),
        lambda client: client.get("/api/search?q=hat&catalog=products&catalog=others"),
        lambda client: client.get("/api/search?q=hat&catalog=others&stream=true"),
        lambda client: client.get(
            "/api/search?q=hat&catalog=others", headers={"accept": "text/event-stream"}
        ),
    ],
    "/api/products/{product_id:path}": [
        lambda client: client.get(f"/api/products/{SECRET}?catalog=others"),
        lambda client: client.put(f"/api/products/{SECRET}?catalog=others", json={"title": "x"}),
        lambda client: client.put(f"/api/products/{SECRET}?catalog=products", json={"title": "x"}),
        lambda client: client.delete(f"/api/products/{SECRET}?catalog=others"),
    ],
    "/api/products/{product_id:path}/similar": [
        lambda client: client.get(f"/api/products/{SECRET}/similar?catalog=others")
    ],
    "/api/products/batch": [
        lambda client: client.post("/api/products/batch?catalog=others", json={"products": [{"id": "x"}]})
    ],
    "/images/{catalog}/{product_id:path}": [
        lambda client: client.get(f"/images/others/{SECRET}"),
        lambda client: client.get(f"/images/others/{SECRET}?size=thumb"),
        lambda client: client.get(f"/images/%6fthers/{SECRET}"),
    ],
    "/": [
        lambda client: client.get("/?q=hat&catalog=others"),
        lambda client: client.post("/", data={"q": "hat", "catalog": "others"}),
        lambda client: client.get("/?q=red"),
    ],
    "/rerank": [lambda client: client.get("/rerank"), lambda client: client.post("/rerank", data={"q": "x"})],
    "/docs": [lambda client: client.get("/docs")],
    "/openapi.json": [lambda client: client.get("/openapi.json")],
    "/uploads/{upload_id}": [lambda client: client.get("/uploads/x")],
    "/readyz": [lambda client: client.get("/readyz")],
    "/metrics": [lambda client: client.get("/metrics")],
}
KNOW_NO_CATALOG = {"/api/pictures", "/api/rerank", "/v1/rerank", "/v2/rerank", "/healthz", "/favicon.ico"}


@pytest.fixture
def app(shop: Shop) -> FastAPI:
    coloured_shop(shop)
    shop.ingest([product(shop, SECRET, "black")], catalog="others")
    engine = shop.engine()
    settings = Settings(data=shop.data, search_keys_required=True, admin_key="an admin key of the tests")
    return create_app(settings, engine, writer=CatalogWriter(engine, shop.data))


@pytest.fixture
def keyed(shop: Shop, app: FastAPI) -> Iterator[TestClient]:
    """Sends a key for the catalog `products` alone."""
    _, token = Keyring(shop.data).create("search", "", Allowed(catalogs=("products",)))
    with TestClient(app, headers={"x-api-key": token}, follow_redirects=False) as client:
        yield client


@pytest.fixture
def stranger(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_every_route_is_thought_of() -> None:
    modules = (import_module(f"api.routes.{each.name}") for each in iter_modules(api.routes.__path__))
    served = {str(route.path) for module in modules for route in module.router.routes}

    assert served - {"/login"} | {"/openapi.json"} == set(ROUTES) | KNOW_NO_CATALOG


@pytest.mark.parametrize("path", ROUTES)
def test_another_catalog_stays_closed(keyed: TestClient, path: str) -> None:
    for ask in ROUTES[path]:
        answer = ask(keyed)

        assert answer.status_code == 403, answer.url
        assert SECRET not in answer.text.replace(answer.json()["instance"], "")


def test_a_catalog_that_is_not_there_is_refused_as_one_that_is(keyed: TestClient) -> None:
    there, nowhere = (keyed.get(f"/api/search?q=x&catalog={name}") for name in ("others", "nowhere"))

    assert there.status_code == nowhere.status_code == 403


def test_a_page_of_another_catalogs_answer_is_not_shown(shop: Shop, app: FastAPI, keyed: TestClient) -> None:
    _, token = Keyring(shop.data).create("search", "")
    with TestClient(app, headers={"x-api-key": token}) as other:
        shop.ingest([product(shop, SECRET, "black"), product(shop, "black bag", "black")], catalog="others")
        body = {"query": {"text": "black"}, "catalog": "others", "limit": 1}
        cursor = other.post("/api/search", json=body).json()["cursor"]

    answer = keyed.post("/api/search", json={"query": {"text": "black"}, "cursor": cursor, "limit": 1})

    assert cursor
    assert SECRET not in answer.text


def test_products_of_another_catalog_are_not_searched_by(keyed: TestClient) -> None:
    answer = keyed.post("/api/search", json={"query": {"like": [SECRET]}})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/static/../api/search?q=red", "/static/%2e%2e/api/search?q=red", "//api/search?q=red", "/api/search/?q=red",
        "/images/../api/search?q=red", "/healthz/../api/search?q=red", "/api//search?q=red", "/API/search?q=red",
        "/api/search%3fq=red", "/healthz%2f..%2fapi/search?q=red", "/login/../api/search?q=red",
    ],
)  # fmt: skip
def test_no_odd_path_leads_around_the_gate(stranger: TestClient, path: str) -> None:
    assert stranger.get(path).status_code in (401, 404)


@pytest.mark.parametrize("host", ["x/static", "x/static/?", "x/healthz#", "x/login?", "x\\static/"])
def test_no_odd_host_leads_around_the_gate(stranger: TestClient, host: str) -> None:
    assert stranger.get("/api/search?q=red", headers={"host": host}).status_code == 401


@pytest.mark.parametrize(
    "header", ["x-original-url", "x-rewrite-url", "x-http-method-override", "x-forwarded-prefix"]
)
def test_no_header_changes_what_is_asked_for(stranger: TestClient, header: str) -> None:
    assert stranger.get("/healthz", headers={header: "/api/search?q=red"}).json() == {"status": "alive"}
    assert stranger.get("/api/search?q=red", headers={header: "/healthz"}).status_code == 401


@pytest.mark.parametrize(
    "key", ["lychee", "lychee_", "lychee__", "lychee_0_0", "lychee_%00_x", "é", "x" * 8_000]
)
def test_odd_keys_are_refused_as_wrong_ones(stranger: TestClient, key: str) -> None:
    answer = stranger.get("/api/search?q=red", headers={b"x-api-key": key.encode()})

    assert answer.status_code == 401
    assert key not in answer.text


def test_a_key_in_the_address_is_none(shop: Shop, stranger: TestClient) -> None:
    _, token = Keyring(shop.data).create("search", "")

    for name in ("key", "api_key", "apikey", "x-api-key", "access_token", "token"):
        assert stranger.get(f"/api/search?q=red&{name}={token}").status_code == 401


def test_a_rotated_key_ends_at_once_for_searching_too(shop: Shop, stranger: TestClient) -> None:
    key, before = Keyring(shop.data).create("search", "")
    assert stranger.get("/api/search?q=red", headers={"x-api-key": before}).status_code == 200

    _, after = Keyring(shop.data).rotate(key.id)

    assert stranger.get("/api/search?q=red", headers={"x-api-key": before}).status_code == 401
    assert stranger.get("/api/search?q=red", headers={"x-api-key": after}).status_code == 200


def test_a_picture_that_was_sent_is_seen_by_who_may_see_pages_alone(shop: Shop, stranger: TestClient) -> None:
    _, token = Keyring(shop.data).create("search", "")
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    files = {"picture": ("x.png", picture.getvalue())}
    kept = stranger.post("/api/pictures", files=files, headers={"x-api-key": token}).json()["image"]

    assert stranger.get(f"/uploads/{kept.removeprefix('upload:')}").status_code == 401


def test_no_answer_lets_browsers_send_cookies_from_elsewhere(shop: Shop) -> None:
    coloured_shop(shop)
    app = create_app(Settings(data=shop.data, cors_origins="https://shop.example"), shop.engine())
    with TestClient(app) as client:
        for origin in ("https://shop.example", "https://evil.example", "null", "*"):
            asked = {"origin": origin, "access-control-request-method": "POST", "cookie": "lychee_session=x"}
            for answer in (
                client.options("/api/search", headers=asked),
                client.get("/?q=red", headers=asked),
            ):
                assert "access-control-allow-credentials" not in answer.headers
                assert answer.headers.get("access-control-allow-origin") != "*"
