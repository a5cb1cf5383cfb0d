"""Judging in a real browser: one document, many, with pictures, in both languages, and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from api.app import create_app
from core.catalog import CatalogStore
from core.language import Language
from core.settings import Settings
from rerank.instructions import PRODUCT_INSTRUCTION
from tests.color_encoder import ColorEncoder
from tests.serving import serving
from tests.shops import Shop, coloured_shop
from tests.web.acting import hand_over, picture
from tests.web.conftest import Open, Site
from tests.word_judge import WordJudge

pytestmark = pytest.mark.browser
QUERY = "textarea[name=q]"
CARDS = ".sheet textarea"


@pytest.fixture(scope="module")
def judge() -> WordJudge:
    return WordJudge()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, language: Language, judge: WordJudge) -> Iterator[Site]:
    """A shop with a judge."""
    data = tmp_path_factory.mktemp("judged")
    store = CatalogStore.open(f"sqlite:///{data}/catalog.db")
    shop = coloured_shop(Shop(data, store, ColorEncoder(), language))
    with serving(create_app(Settings(data=data), shop.engine(judge))) as url:
        yield Site(url, data)
    store.close()


def choose(page: Page, name: str, data: bytes) -> None:
    page.set_input_files(f"input[name={name}]", {"name": "x.png", "mimeType": "image/png", "buffer": data})


def assert_drawn(picture: Locator) -> None:
    """A picture that came; waiting for a function would evaluate a string, which the page's policy forbids."""
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("img => img.naturalWidth") > 0


def test_one_document_is_scored_beside_its_query(open_page: Open) -> None:
    page = open_page("/rerank", locale="zh-CN")

    page.fill(QUERY, "red shoe")
    page.fill(CARDS, "a red shoe")
    page.click("text=开始评分")

    expect(page.locator(".verdict .big")).to_have_text("1.00")
    expect(page.locator(".verdict.high .says")).to_contain_text("相符")
    assert page.input_value(QUERY) == "red shoe"
    assert page.evaluate("document.activeElement.id") == "result"


def test_many_documents_on_cards_and_between_dashes_are_reordered(open_page: Open) -> None:
    page = open_page("/rerank")
    page.fill(QUERY, "red shoe")
    page.fill(CARDS, "blue bag\n---\nred bag")

    page.click("text=Add a document")
    page.keyboard.type("red shoe")
    choose(page, "picture-1", picture("#ff0000"))
    page.click("text=Rerank all")

    expect(page.locator(".ranking .scored b")).to_have_text(["1.00", "0.50", "0.00"])
    expect(page.locator(".ranking .content p").first).to_have_text("#3 red shoe")
    shown = page.locator(".ranking img")
    expect(shown).to_have_count(1)
    assert_drawn(shown)


def test_cards_come_and_go_and_what_they_hold_stays_theirs(open_page: Open) -> None:
    page = open_page("/rerank")
    for text in ("one", "two", "three"):
        page.locator(CARDS).last.fill(text)
        if text != "three":
            page.click("text=Add a document")

    page.locator("[aria-label='Remove this document']").nth(1).click()
    page.click("text=Add a document")
    page.keyboard.type("four")

    assert [each.input_value() for each in page.locator(CARDS).all()] == ["one", "three", "four"]
    page.fill(QUERY, "four")
    page.click("text=Rerank all")
    expect(page.locator(".ranking .content p").first).to_have_text("#3 four")
    assert [each.input_value() for each in page.locator(CARDS).all()] == ["one", "three", "four"]


def test_choosing_a_preset_fills_the_instruction(open_page: Open, judge: WordJudge) -> None:
    page = open_page("/rerank")

    page.select_option("select[name=preset]", "product")
    assert page.input_value("textarea[name=instruction]") == PRODUCT_INSTRUCTION
    page.fill("textarea[name=instruction]", "Mind the colour.")
    page.fill(QUERY, "red")
    page.fill(CARDS, "red")
    page.click("text=Score")

    expect(page.locator(".verdict")).to_be_visible()
    assert judge.instructions[-1] == "Mind the colour."
    assert page.input_value("select[name=preset]") == "product"


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_pasted_or_dropped_picture_is_previewed_and_can_be_taken_away(open_page: Open, way: str) -> None:
    page = open_page("/rerank")

    hand_over(page, way, picture("#0000ff"))

    shown = page.locator(".asked .slot img")
    expect(shown).to_be_visible()
    expect(shown).to_have_js_property("naturalWidth", 48)
    page.click(".asked [title='Remove the picture']")
    expect(shown).to_be_hidden()
    page.fill(CARDS, "x")
    page.click("text=Score")
    expect(page.get_by_role("alert")).to_have_text("Please write a query, or add a picture to it.")


def test_a_picture_asks_alone_and_is_still_there_for_the_next_judging(open_page: Open) -> None:
    page = open_page("/rerank")
    choose(page, "picture-q", picture("#ff0000"))
    choose(page, "picture-0", picture("#00ff00"))

    for _ in range(2):
        page.click("text=Score")
        expect(page.locator("main:not([aria-busy]) .verdict .big")).to_have_text("1.00")
        assert_drawn(page.locator(".asked .slot img"))


def test_the_language_changes_with_everything_in_its_place(open_page: Open) -> None:
    page = open_page("/rerank")
    page.fill(QUERY, "red")
    page.fill(CARDS, "red")
    page.click("text=Score")
    expect(page.locator(".verdict")).to_be_visible()

    page.click(".language")

    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator(".verdict .says")).to_contain_text("可以直接使用")
    assert page.input_value(CARDS) == "red"


def test_the_keyboard_alone_is_enough_to_judge(open_page: Open) -> None:
    page = open_page("/rerank")
    page.fill(CARDS, "red")
    page.focus(QUERY)
    page.keyboard.type("red")

    page.keyboard.press("Control+Enter")

    expect(page.locator(".verdict .big")).to_have_text("1.00")


def test_judging_works_without_javascript(open_page: Open) -> None:
    page = open_page("/rerank", java_script_enabled=False)
    page.fill(QUERY, "red shoe")
    page.fill(CARDS, "blue\n---\nred")
    page.click("text=Add a document")
    page.locator(CARDS).nth(1).fill("red shoe")
    choose(page, "picture-1", picture("#ff0000"))
    page.select_option("select[name=preset]", "product")

    page.click("text=Rerank all")

    assert page.locator(".ranking .scored b").all_text_contents() == ["1.00", "0.50", "0.00"]
    assert page.input_value("textarea[name=instruction]") == PRODUCT_INSTRUCTION
    page.locator(".filled [title='Remove the picture']").click()
    page.click("text=Score")
    expect(page.locator(".note")).to_contain_text("There are 3 documents")
    page.click(".language")
    expect(page.locator(".act").first).to_have_text("开始评分")
    assert page.input_value(QUERY) == "red shoe"


def test_a_server_that_is_away_is_said_to_be_and_nothing_is_lost(open_page: Open) -> None:
    page = open_page("/rerank")
    page.context.unroute_all()
    page.route("**/rerank", lambda route: route.fulfill(status=404, body="no page"))
    page.fill(QUERY, "red")
    page.fill(CARDS, "kept")

    page.click("text=Score")

    expect(page.locator(".problem")).to_have_text("The server can't be reached. Please try again.")
    assert page.input_value(CARDS) == "kept"
    expect(page.locator(".act").first).to_be_enabled()


def test_nothing_scrolls_sideways_on_a_phone(open_page: Open) -> None:
    for locale in ("en-US", "zh-CN"):
        page = open_page("/rerank", viewport={"width": 360, "height": 740}, locale=locale)
        page.fill(QUERY, "w" * 200)
        page.fill(CARDS, f"{'w' * 300}\n---\nred shoe")
        page.click(".act-all")
        expect(page.locator(".ranking")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_band_can_be_read(open_page: Open, scheme: str) -> None:
    page = open_page("/rerank", color_scheme=scheme)
    page.fill(QUERY, "red shoe")
    page.fill(CARDS, "red shoe\n---\nred\n---\nblue")
    page.click("text=Rerank all")
    expect(page.locator(".ranking .score")).to_have_count(3)

    for each in page.locator(".ranking .score").all():
        ink, paper = each.evaluate(
            "(each) => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor]"
        )
        assert contrast(ink, paper) >= 4.5, (ink, paper)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_on_the_search_page_hits_are_banded_and_what_does_not_fit_can_be_hidden(open_page: Open) -> None:
    page = open_page("/?q=red+shoe")
    expect(page.locator(".card .score").first).to_have_text(re.compile("fits 1.00"))
    page.locator(".card summary").first.click()
    expect(page.locator(".card .check.holds").first).to_be_visible()

    page.click("text=Hide what doesn't fit")

    page.wait_for_url("**min_band=medium")
    expect(page.locator(".card")).to_have_count(4)
    page.fill("input[type=search]", "blue bag")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=blue+bag&min_band=medium")
    page.click("text=Show everything")
    expect(page.locator(".card")).to_have_count(6)


def test_search_and_judge_lead_to_each_other(open_page: Open) -> None:
    page = open_page("/?q=red+shoe")

    page.click("nav >> text=Judge")
    assert page.input_value(QUERY) == "red shoe"
    page.click("nav >> text=Search")

    expect(page.locator("input[type=search]")).to_be_visible()
