"""The search page as it leaves the server: what a browser without JavaScript, or a crawler, gets."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.app import create_app
from core.settings import Settings
from search.engine import SearchEngine
from tests.markup import find, parsed, texts
from tests.shops import Shop, coloured_shop, product

HOSTILE = "<script>alert(1)</script> \"'&"


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    coloured_shop(shop)
    shop.ingest(
        [
            product(shop, HOSTILE, "pink", link="javascript:alert(1)"),
            product(
                shop,
                "lamp",
                "purple",
                title_zh="台灯",
                link="https://shop.example/lamp?a=1&b=2",
                currency="USD",
            ),
        ]
    )
    with TestClient(create_app(Settings(data=shop.data), shop.engine())) as running:
        yield running


def seen(client: TestClient, path: str, *, status: int = 200, **headers: str) -> Element:
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return parsed(answer.text)


def png(colour: str = "#ff0000") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_what_comes_from_feeds_and_addresses_is_always_text(client: TestClient) -> None:
    for path in (
        "/?q=pink",
        "/",
        "/?like=%3Cscript%3Ealert(1)%3C/script%3E%20%22'%26",
        "/?q=%22%3E%3Cscript%3E&filter=%3Cb%3E",
    ):
        body = client.get(path).text
        assert "<script>alert" not in body
        assert "javascript:" not in body
        assert re.findall(r"<script[^>]*>", body) == re.findall(
            r'<script type="module" src="/static/[^"]+">', body
        )
    assert HOSTILE in texts(seen(client, "/?q=pink"), ".card h2")


def test_a_card_leads_to_the_shop_and_to_what_is_similar(client: TestClient) -> None:
    card = find(seen(client, "/?q=lamp"), ".card")[0]

    assert find(card, "h2 a")[0].get("href") == "https://shop.example/lamp?a=1&b=2"
    assert find(card, ".similar")[0].get("href") == "/?like=lamp"
    assert (
        find(seen(client, "/?q=red+shoe"), ".card h2 a")[0].get("href")
        == "/images/products/red%20shoe?size=full"
    )


def test_every_address_that_the_page_names_is_answered(client: TestClient) -> None:
    page = seen(client, "/?q=red+shoe")

    own = {each.get("href") or each.get("src") or "" for each in find(page, "a, link, script, img")}

    assert len(own) > 20
    for address in own - {"https://shop.example/lamp?a=1&b=2"}:
        assert client.get(address).status_code == 200, address


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/?q=shoe&catalog=nowhere", 404, "There is no such catalog."),
        ("/?catalog=nowhere", 404, "There is no such catalog."),
        ("/?like=nobody", 404, "This product is no longer for sale."),
        ("/?image=upload:gone", 400, "no longer kept"),
        ("/?image=nonsense", 422, "This picture can't be read."),
        ("/?q=x&filter=price+<", 400, "This filter can't be read."),
        ("/?q=x&sort=sideways", 400, "This can't be answered."),
        (f"/?q={'x' * 2_001}", 400, "This can't be answered."),
    ],
)
def test_a_refusal_is_a_page_with_its_status(client: TestClient, path: str, status: int, says: str) -> None:
    page = seen(client, path, status=status)

    assert says in texts(page, "[role=alert]")[0]
    assert find(page, "form.query input[type=search]")


def test_a_refusal_is_said_in_the_readers_language(client: TestClient) -> None:
    page = seen(client, "/?like=nobody&lang=zh", status=404)

    assert texts(page, "[role=alert] h1, [role=alert] p") == [
        "这件商品已下架。",
        "catalog 'products' has no product 'nobody'",
    ]


def test_a_sent_picture_leads_to_an_address_that_keeps_the_rest(client: TestClient) -> None:
    form = {"q": "bag", "like": "red shoe", "sort": "price_asc", "lang": "zh", "filter": "price < 500"}

    answer = client.post("/", data=form, files={"picture": ("x.png", png())}, follow_redirects=False)

    assert answer.status_code == 303
    assert re.fullmatch(
        r"/\?q=bag&image=upload%3A[0-9a-f]+&filter=price\+%3C\+500&sort=price_asc&lang=zh",
        answer.headers["location"],
    )
    assert client.get(answer.headers["location"]).status_code == 200


def test_a_form_without_a_picture_leads_to_a_short_address(client: TestClient) -> None:
    form = {"q": "red shoe", "catalog": "products", "sort": "relevance"}

    answer = client.post("/", data=form, files={"picture": ("", b"")}, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/?q=red+shoe")


def test_a_picture_that_cannot_be_read_is_a_page_that_keeps_the_words(client: TestClient) -> None:
    answer = client.post("/", data={"q": "red"}, files={"picture": ("x.png", b"nonsense")})

    assert answer.status_code == 422
    page = parsed(answer.text)
    assert "This picture can't be read." in texts(page, "[role=alert]")[0]
    assert find(page, "input[type=search]")[0].get("value") == "red"


def test_only_a_new_picture_made_of_a_sent_one_comes_back(client: TestClient) -> None:
    page = client.post("/", files={"picture": ("x.png", png() + b"<script>alert(1)</script>")}).text
    address = find(parsed(page), ".chip img")[0].get("src", "")

    answer = client.get(address)

    assert answer.headers["content-type"] == "image/jpeg"
    assert "script-src" not in answer.headers["content-security-policy"]
    assert b"script" not in answer.content
    assert client.get("/uploads/gone").status_code == 400


def test_the_query_is_read_back_in_the_readers_words(client: TestClient) -> None:
    asked = "/?q=red+shoe+not+blue+under+$80"

    assert texts(seen(client, asked), ".understood .tag") == ["red", "shoe", "not blue", "up to 80"]
    assert texts(seen(client, f"{asked}&lang=zh"), ".understood .tag") == [
        "红色",
        "鞋",
        "不要蓝色",
        "80 以内",
    ]


def test_the_page_says_when_nothing_has_the_words_or_costs_that(client: TestClient) -> None:
    assert "described in these words" in texts(seen(client, "/?q=zzyzx"), ".weak")[0]
    assert "described in these words" in texts(seen(client, "/?q=zzyzx&sort=price_asc"), ".weak")[0]
    assert "costs that" in texts(seen(client, "/?q=shoe+under+$2"), ".weak")[0]
    assert texts(seen(client, "/?q=shoe+under+$80"), ".weak") == []


def test_a_count_stands_above_the_hits_only_where_it_is_exact(client: TestClient, shop: Shop) -> None:
    assert texts(seen(client, "/?q=shoe"), ".summary") == ["8 products"]

    shallow = SearchEngine(shop.store, shop.encoder, shop.language, data=shop.data, depth=2)
    with TestClient(create_app(Settings(data=shop.data), shallow)) as deep_shop:
        assert texts(seen(deep_shop, "/?q=shoe"), ".summary") == ["Best matches"]
        assert texts(seen(deep_shop, "/?q=shoe&sort=price_asc"), ".summary") == ["Best matches, by price"]


def test_an_empty_catalog_says_so(client: TestClient, shop: Shop) -> None:
    shop.store.create("attic", index_fields=("title",))

    assert texts(seen(client, "/?q=shoe&catalog=attic"), "h1") == ["This catalog has no products yet."]


def test_a_shop_without_catalogs_says_how_to_fill_it(shop: Shop) -> None:
    with TestClient(create_app(Settings(data=shop.data), shop.engine())) as empty:
        assert texts(seen(empty, "/"), "h1") == ["There is no catalog yet."]
        assert "lychee ingest" in empty.get("/?q=x").text


def test_the_first_page_shows_some_of_the_shop(client: TestClient) -> None:
    page = seen(client, "/")

    assert len(find(page, ".card")) == 8
    assert find(page, ".examples a")[0].get("href") == "/?q=black+running+shoes"


def test_a_number_of_hits_that_makes_no_sense_shows_the_first_page(client: TestClient) -> None:
    for shown in ("-3", "many", "24.5", "99999999999999999999", ""):
        assert len(find(seen(client, f"/?q=shoe&shown={shown}"), ".card")) == 8


def test_the_page_may_be_kept_only_for_the_same_language(client: TestClient) -> None:
    answer = client.get("/", headers={"accept-language": "zh"})

    assert 'lang="zh-CN"' in answer.text
    assert (answer.headers["vary"], answer.headers["cache-control"]) == (
        "Accept-Language, Origin",
        "no-cache",
    )


def test_static_files_are_kept_for_good_under_their_version_only(client: TestClient) -> None:
    address = find(seen(client, "/"), "link[rel=stylesheet]")[0].get("href", "")

    assert "immutable" in client.get(address).headers["cache-control"]
    assert client.get(address.partition("?")[0]).headers["cache-control"] == "no-cache"
    assert client.get("/static/../templates/search.html").status_code == 404


def test_the_documentation_has_every_route_and_every_link_leads_somewhere(client: TestClient) -> None:
    page = seen(client, "/docs")
    document = client.get("/openapi.json").json()

    named = {each.get("id") for each in find(page, "section")}

    for path, methods in document["paths"].items():
        assert {f"{method.upper()}{path}" for method in methods} <= named
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= named
    assert {each.get("href", "")[1:] for each in find(page, "a[href^='#']")} <= named
    assert find(page, "script") == []
