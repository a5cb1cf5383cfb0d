"""The parts that the page is made of: addresses, cards, the reader's language."""

from __future__ import annotations

import pytest

from api.cards import card_of
from api.page_state import PageState, preferred_language
from api.schemas import ProductBody
from web import LANGUAGES, texts


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("fr,zh;q=0.9,en;q=0.5", "zh"),
        ("zh;q=0,en", "en"),
        ("de", "en"),
        ("", "en"),
        (";q=x,,zh;q=0.1", "zh"),
    ],
)
def test_the_readers_language_is_the_first_of_ours_that_the_browser_names(
    accepted: str, language: str
) -> None:
    assert preferred_language(accepted) == language


def test_an_address_holds_only_what_is_not_usual() -> None:
    assert PageState().href == "/"
    assert PageState(q="a&b", shown=48, lang="xx").href == "/?q=a%26b&shown=48"
    assert PageState(q="a", shown=48).but(sort="price_asc").href == "/?q=a&sort=price_asc"


@pytest.mark.parametrize(
    ("price", "currency", "shown"),
    [
        (1299.0, "USD", "$1,299.00"),
        (0.0, "CNY", "¥0.00"),
        (1500.0, "JPY", "¥1,500"),
        (12.5, "SEK", "12.50 SEK"),
        (12.5, None, "12.50"),
        (None, "USD", ""),
    ],
)
def test_a_price_is_shown_as_its_currency_is_written(
    price: float | None, currency: str | None, shown: str
) -> None:
    assert card_of(ProductBody(id="x", title="x", price=price, currency=currency), "en", "/").price == shown


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "http://[", "//evil.example", "ftp://x"]
)
def test_a_link_of_another_kind_is_not_followed(link: str) -> None:
    assert (
        card_of(ProductBody(id="x", title="x", link=link, image="/images/x"), "en", "/").href == "/images/x"
    )
    assert card_of(ProductBody(id="x", title="x", link=link), "en", "/").href == ""


def test_a_product_is_named_in_the_readers_language_and_the_other_stands_below() -> None:
    lamp = ProductBody(id="x", title="lamp", titles={"zh": "台灯"})

    assert (card_of(lamp, "zh", "/").title, card_of(lamp, "zh", "/").second_title) == ("台灯", "lamp")
    assert (card_of(lamp, "en", "/").title, card_of(lamp, "en", "/").second_title) == ("lamp", "台灯")
    assert card_of(ProductBody(id="sku 7", title=" "), "en", "/").title == "sku 7"


def test_every_sentence_of_the_page_is_there_in_every_language() -> None:
    for language in LANGUAGES:
        assert texts(language).keys() == texts("en").keys()
        assert all(texts(language).values())
