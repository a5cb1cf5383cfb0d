"""The HTTP API as a storefront calls it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.app import create_app
from core.settings import Settings
from tests.shops import Shop, coloured_shop, product


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    coloured_shop(shop)
    shop.ingest([product(shop, "a/b?c#d <script>", "pink")])
    with TestClient(
        create_app(Settings(data=shop.data), shop.engine()), raise_server_exceptions=False
    ) as running:
        yield running


def png(colour: str) -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(picture, "PNG")
    return picture.getvalue()


def found(client: TestClient, **body: object) -> list[str]:
    answer = client.post("/api/search", json=body)
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def test_words_are_searched(client: TestClient) -> None:
    assert found(client, query={"text": "red shoe"}, limit=1) == ["red shoe"]


def test_a_picture_is_searched_as_data_uri_or_plain_base64(client: TestClient) -> None:
    plain = base64.b64encode(png("#0000ff")).decode()

    for image in (plain, f"data:image/png;base64,{plain}"):
        assert sorted(found(client, query={"image": image}, limit=2)) == ["blue bag", "blue shoe"]


def test_an_uploaded_picture_can_be_named_in_an_address(client: TestClient) -> None:
    kept = client.post("/api/pictures", files={"picture": ("x.png", png("#00ff00"))}).json()

    answer = client.get("/api/search", params={"image": kept["image"], "q": "bag", "limit": 1}).json()

    assert [hit["id"] for hit in answer["hits"]] == ["green bag"]


def test_an_answer_has_every_field_that_scripts_rely_on(client: TestClient) -> None:
    body = {"query": {"text": "shoe"}, "facets": ["color"], "limit": 2, "explain": True}

    answer = client.post("/api/search", json=body).json()

    assert set(answer) == {
        "query_id", "hits", "total", "facets", "cursor", "rerank", "took_ms", "understood",
    }  # fmt: skip
    assert set(answer["hits"][0]) >= {
        "id",
        "product",
        "similarity",
        "relevance",
        "band",
        "recall_rank",
        "rank",
    }
    assert answer["rerank"] == {
        "status": "skipped", "scored": 0, "of": 0, "reason": "no reranker is set up", "model": None,
    }  # fmt: skip
    assert answer["hits"][0]["evidence"]["coverage"] == 1.0


def test_an_id_with_odd_characters_is_served_with_its_picture(client: TestClient) -> None:
    hit = client.post("/api/search", json={"query": {"image": _base64("#ffa0be")}, "limit": 1}).json()[
        "hits"
    ][0]

    assert hit["id"] == "a/b?c#d <script>"
    for size in ("image", "thumbnail"):
        picture = client.get(hit["product"][size])
        assert picture.status_code == 200
        assert picture.headers["x-content-type-options"] == "nosniff"
    assert client.get("/api/products/a/b%3Fc%23d%20%3Cscript%3E").json()["id"] == "a/b?c#d <script>"


def test_similar_products_are_found_by_id(client: TestClient) -> None:
    answer = client.get("/api/products/red shoe/similar", params={"limit": 1}).json()

    assert [hit["id"] for hit in answer["hits"]] == ["red bag"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"query": {}}, 400, "words or a picture"),
        ({"query": {"text": " "}}, 400, "words or a picture"),
        ({"query": {"text": "x" * 2_001}}, 422, "2000"),
        ({"query": {"text": "x"}, "catalog": "nowhere"}, 404, "unknown catalog"),
        ({"query": {"text": "x"}, "limit": 0}, 422, "limit"),
        ({"query": {"text": "x"}, "limit": 5_000}, 422, "limit"),
        ({"query": {"text": "x"}, "filter": "price <"}, 400, "filter"),
        ({"query": {"text": "x"}, "sort": "sideways"}, 400, "sort"),
        ({"query": {"image": "nonsense!"}}, 422, "base64"),
        ({"query": {"image": "aGVsbG8="}}, 422, "cannot read"),
        (
            {"query": {"image": "eA==", "image_url": "http://example.org/x.jpg"}},
            400,
            "either `image` or `image_url`",
        ),
        ({"query": {"image": "upload:gone"}}, 400, "no longer kept"),
        ({"query": {"like": ["nobody"]}}, 404, "nobody"),
        ({"query": {"text": "x"}, "cursor": "zzz"}, 400, "cursor"),
        ({"query": {"text": "x"}, "unheard_of": 1}, 422, "unheard_of"),
    ],
)
def test_bad_input_is_a_problem_that_says_what(
    client: TestClient, body: dict[str, object], status: int, says: str
) -> None:
    answer = client.post("/api/search", json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


def test_unknown_addresses_and_pictures_are_problems_too(client: TestClient) -> None:
    for path in (
        "/nowhere",
        "/images/products/nobody",
        "/images/nowhere/x",
        "/images/products/..%2f..%2fetc",
    ):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_server_says_that_it_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz").json()
    assert ready["encoder"] == "color@1"
    (catalog,) = ready["catalogs"]
    assert catalog | {"name": "products", "products": 7, "pictures": 4, "encoder": "color@1"} == catalog
    assert (catalog["unsearchable"], catalog["problem"]) == (0, None)


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    headers = client.get("/").headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def _base64(colour: str) -> str:
    return base64.b64encode(png(colour)).decode()
