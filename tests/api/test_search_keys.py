"""Who may search: keys with their sites and catalogs, and which other sites' pages a browser lets in."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

import lychee
from api.app import create_app
from api.keys import Allowed, Keyring
from core.settings import Settings
from tests.shops import Shop, coloured_shop, product

SITE = "https://shop.example"


def server(shop: Shop, **settings: object) -> TestClient:
    made = Settings.model_validate({"data": shop.data, **settings})
    return TestClient(create_app(made, shop.engine()), raise_server_exceptions=False)


@pytest.fixture
def closed(shop: Shop) -> TestClient:
    """A server that asks for a key."""
    coloured_shop(shop)
    shop.ingest([product(shop, "secret hat", "black")], catalog="others")
    return server(shop, search_keys_required=True, admin_key="an admin key of the tests")


def sent(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **more}


def test_where_keys_are_required_nobody_searches_without_one(shop: Shop, closed: TestClient) -> None:
    _, token = Keyring(shop.data).create("search", "")

    for path in ("/api/search?q=red", "/", "/rerank", "/docs", "/openapi.json", "/api/products/red shoe"):
        assert closed.get(path).status_code == 401, path
        assert closed.get(path, headers=sent(token)).status_code == 200, path
    judged = closed.post("/api/rerank", json={"query": "x", "document": "y"})
    assert judged.status_code == 401
    assert closed.get("/healthz").status_code == 200
    assert closed.get("/images/products/red shoe").status_code == 200
    assert closed.get("/api/search?q=red", headers=sent("an admin key of the tests")).status_code == 200


def test_a_wrong_or_revoked_key_is_refused_even_where_none_is_required(shop: Shop) -> None:
    coloured_shop(shop)
    key, token = Keyring(shop.data).create("search", "")
    with server(shop) as client:
        assert client.get("/api/search?q=red").status_code == 200
        assert client.get("/api/search?q=red", headers=sent(token)).status_code == 200
        wrong = f"{token[:-1]}{'0' if token[-1] != '0' else '1'}"
        assert client.get("/api/search?q=red", headers=sent(wrong)).status_code == 401
        Keyring(shop.data).revoke(key.id)
        assert client.get("/api/search?q=red", headers=sent(token)).status_code == 401


def test_a_key_that_searches_may_not_write(shop: Shop, closed: TestClient) -> None:
    _, token = Keyring(shop.data).create("search", "")

    answer = closed.put("/api/products/x", json={"title": "x"}, headers=sent(token))

    assert answer.status_code == 403


def test_a_key_for_one_catalog_opens_no_other(shop: Shop, closed: TestClient) -> None:
    _, token = Keyring(shop.data).create("search", "", Allowed(catalogs=("products",)))
    key = sent(token)

    assert closed.post("/api/search", json={"query": {"text": "hat"}}, headers=key).status_code == 200
    for refused in (
        closed.post("/api/search", json={"query": {"text": "hat"}, "catalog": "others"}, headers=key),
        closed.get("/api/search?q=hat&catalog=others", headers=key),
        closed.get("/api/search?q=hat&catalog=others&stream=true", headers=key),
        closed.get("/api/products/secret hat?catalog=others", headers=key),
        closed.get("/api/products/secret hat/similar?catalog=others", headers=key),
        closed.get("/images/others/secret hat", headers=key),
        closed.get("/?q=hat&catalog=others", headers=key),
    ):
        assert refused.status_code == 403


def test_a_key_for_one_site_is_refused_from_elsewhere(shop: Shop, closed: TestClient) -> None:
    _, token = Keyring(shop.data).create("search", "", Allowed(origins=(SITE,)))

    def status(**headers: str) -> int:
        return closed.get("/api/search?q=red", headers=sent(token, **headers)).status_code

    assert status(origin=SITE) == 200
    assert status(origin="https://evil.example") == 403
    assert status(origin=f"{SITE}.evil.example") == 403
    assert status() == 403


def test_a_browser_lets_in_the_pages_of_listed_sites_and_of_keys_alone(shop: Shop) -> None:
    coloured_shop(shop)
    key, _ = Keyring(shop.data).create("search", "", Allowed(origins=("https://key.example",)))
    with server(shop, cors_origins="https://shop.example, http://localhost:3000") as client:

        def allowed(origin: str) -> str | None:
            asked = {"origin": origin, "access-control-request-method": "POST"}
            client.options("/api/search", headers=asked)
            answer = client.get("/api/search?q=red", headers={"origin": origin})
            value: str | None = answer.headers.get("access-control-allow-origin")
            return value

        assert allowed(SITE) == SITE
        assert allowed("http://localhost:3000") == "http://localhost:3000"
        assert allowed("https://key.example") == "https://key.example"
        assert allowed("https://evil.example") is None
        assert allowed("null") is None
        Keyring(shop.data).revoke(key.id)
        assert allowed("https://key.example") is None
        preflight = {
            "origin": SITE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        }
        assert client.options("/api/search", headers=preflight).status_code == 200
        written = preflight | {"access-control-request-method": "PUT"}
        assert client.options("/api/products/x", headers=written).status_code == 400


@pytest.mark.parametrize("origins", ["*", "shop.example", "https://shop.example/", "https://a.example,x"])
def test_what_is_no_origin_is_refused_by_name(
    origins: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYCHEE_CORS_ORIGINS", origins)

    assert lychee.run(["catalog", "list"]) == 2
    assert "LYCHEE_CORS_ORIGINS" in capfd.readouterr().err


def test_a_search_key_is_made_by_command(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["keys", "create", "--search", "--origin", SITE, "--catalog", "products", "--json"]

    assert lychee.run([*arguments, "--data", str(shop.data)]) == 0
    made = json.loads(capfd.readouterr().out)
    assert (made["kind"], made["origins"], made["catalogs"]) == ("search", [SITE], ["products"])
    assert lychee.run(["keys", "create", "--search", "--origin", "shop.example"]) == 2
    assert lychee.run(["keys", "create", "--catalog", "x"]) == 2
