"""The API keeps to its own description, whatever it is asked, by whom, and over whichever database."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings

from api.app import create_app
from api.keys import Allowed, Keyring
from bench.fuzz.api import AnyCase, Server
from core.catalog import CatalogStore
from core.fetch import Fetcher
from core.language import Language
from core.settings import Settings
from indexer.putting import CatalogWriter
from search.engine import SearchEngine
from tests.color_encoder import ColorEncoder
from tests.postgres import emptied
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge

ADMIN = "an admin key of the tests"
# More by hand: LYCHEE_TRIED=200 python -m pytest tests/api/test_described_api.py, or python -m bench.fuzz --what api.
FEW = settings(
    max_examples=int(os.environ.get("LYCHEE_TRIED", "10")), derandomize=True, database=None, deadline=None,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, language: Language
) -> Iterator[Shop]:
    """A small shop in either database."""
    data = tmp_path_factory.mktemp("shop")
    url = f"sqlite:///{data}/catalog.db"
    if request.param == "postgres":
        url = emptied(request.getfixturevalue("postgres")).replace("://", "+psycopg://")
    store = CatalogStore.open(url)
    yield coloured_shop(Shop(data, store, ColorEncoder(), language))
    store.close()


@pytest.fixture(scope="module")
def engine(shop: Shop) -> SearchEngine:
    return shop.engine(WordJudge())


@pytest.fixture(scope="module")
def server(shop: Shop, engine: SearchEngine) -> Server:
    """As its admin asks it."""
    made = Settings.model_validate({"data": shop.data, "admin_key": ADMIN})
    writer = CatalogWriter(engine, shop.data, fetcher=Fetcher(seconds=1), patience_seconds=0.2)
    ids = tuple(product.id for product in shop.store.catalog("products").export())
    return Server(create_app(made, engine, writer=writer), ADMIN, may_write=True, ids=ids)


@pytest.mark.parametrize("visitor", ["admin", "search key", "nobody"])
def test_every_answer_is_one_that_the_description_names(shop: Shop, server: Server, visitor: str) -> None:
    asking = _as(visitor, server, shop.data)

    for operation in asking.operations():

        @FEW
        @given(asking.cases(operation))
        def keeps_to_it(case: AnyCase) -> None:
            asking.ask(case)

        keeps_to_it()


def _as(visitor: str, server: Server, data: Path) -> Server:
    if visitor == "admin":
        return server
    key = (
        Keyring(data).create("search", "a shop", Allowed(catalogs=("products",)))[1]
        if visitor == "search key"
        else ""
    )
    return Server(server.app, key, may_write=False, ids=server.ids)


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("GET", "/api/search?" + "&".join(["like=red%20shoe"] * 21), "", 422),
        ("GET", f"/api/search?q=red&cursor={'a' * 201}", "", 422),
        ("GET", f"/api/search?q=red&cursor={base64.b64encode(b'x:' + b'9' * 120).decode()}", "", 400),
        ("GET", "/api/search?q=red&catalog=%00", "", 404),
        ("GET", "/api/products/x/similar?catalog=%00", "", 404),
        ("GET", "/images/%00/x", "", 404),
        ("POST", "/api/search", '{"query": {"text": "red"}, "catalog": "\\ud800"}', 404),
        ("PUT", "/api/products/p1", '{"title": "cup", "price": 1' + "0" * 400 + "}", 200),
    ],
    ids=[
        "likes",
        "long cursor",
        "far cursor",
        "NUL",
        "NUL, similar",
        "NUL, picture",
        "half a character",
        "price",
    ],
)
def test_what_no_shop_would_send_is_refused_as_described(
    server: Server, method: str, address: str, body: str, status: int
) -> None:
    headers = {"X-API-Key": ADMIN, "content-type": "application/json"}
    with TestClient(server.app, raise_server_exceptions=False) as client:
        answer = client.request(method, address, content=body.encode(), headers=headers)

    assert answer.status_code == status, answer.text
