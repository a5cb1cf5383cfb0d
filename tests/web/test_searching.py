"""Searching in a real browser: by words, by picture, by both, and finding back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.acting import FIELD, choose, hand_over, picture, titles
from tests.web.conftest import Open

pytestmark = pytest.mark.browser


def test_words_are_searched_and_stand_in_the_address(open_page: Open) -> None:
    page = open_page()

    page.fill(FIELD, "red shoe")
    page.click("button:has-text('Search')")

    page.wait_for_url("**/?q=red+shoe")
    assert titles(page, 1) == ["red shoe"]
    assert page.title() == "red shoe · Lychee Search"
    assert page.locator(".understood .tag").all_text_contents() == ["red", "shoe"]


def test_the_keyboard_alone_is_enough(open_page: Open) -> None:
    page = open_page()

    page.keyboard.type("blue bag")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=blue+bag")
    assert titles(page, 1) == ["blue bag"]
    focused = []
    for _ in range(12):
        page.keyboard.press("Tab")
        focused.append(
            page.evaluate(
                "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
            )
        )

    assert "Similar: blue bag" in focused
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_an_uploaded_picture_finds_what_looks_like_it(open_page: Open) -> None:
    page = open_page()

    choose(page, picture("#00ff00"))

    page.wait_for_url("**/?image=upload*")
    assert sorted(titles(page)) == ["green bag", "green shoe"]
    expect(page.get_by_alt_text("The picture you search by")).to_be_visible()


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_pasted_or_dropped_picture_is_searched_by(open_page: Open, way: str) -> None:
    page = open_page()

    hand_over(page, way, picture("#0000ff"))

    page.wait_for_url("**/?image=upload*")
    assert sorted(titles(page)) == ["blue bag", "blue shoe"]


def test_words_and_a_picture_are_searched_together_and_the_picture_can_go(open_page: Open) -> None:
    page = open_page()
    page.fill(FIELD, "bag")
    choose(page, picture("#ff0000"))
    page.wait_for_url("**/?q=bag&image=upload*")
    assert titles(page, 1) == ["red bag"]

    page.click("[aria-label='Remove the picture']")

    page.wait_for_url("**/?q=bag")
    expect(page.locator(".chip")).to_have_count(0)
    assert page.input_value(FIELD) == "bag"


def test_similar_products_are_one_click_away_and_take_words_too(open_page: Open) -> None:
    page = open_page("/?q=red+shoe")
    page.click("[aria-label='Similar: red shoe']")
    page.wait_for_url("**/?like=red+shoe")
    assert titles(page, 1) == ["red bag"]

    page.fill(FIELD, "green")
    page.press(FIELD, "Enter")

    page.wait_for_url("**/?q=green&like=red+shoe")
    expect(page.locator(".chip")).to_contain_text("Similar to red shoe")


def test_going_back_restores_the_answer_and_the_words(open_page: Open) -> None:
    page = open_page("/?q=red+shoe")
    page.fill(FIELD, "blue bag")
    page.press(FIELD, "Enter")
    page.wait_for_url("**/?q=blue+bag")
    assert titles(page, 1) == ["blue bag"]

    page.go_back()

    expect(page.locator(".card h2").first).to_have_text("red shoe")
    assert page.input_value(FIELD) == "red shoe"


def test_the_order_and_the_catalog_are_chosen_where_the_answer_stands(open_page: Open) -> None:
    page = open_page("/?q=mug")

    page.select_option("select[name=catalog]", "mugs")
    page.wait_for_url("**catalog=mugs*")
    page.select_option("select[name=sort]", "price_desc")

    page.wait_for_url("**sort=price_desc*")
    assert titles(page, 1) == ["white mug 54"]


def test_more_hits_are_added_below_and_the_address_shows_them_all(open_page: Open) -> None:
    page = open_page("/?q=mug&catalog=mugs")
    expect(page.locator(".card")).to_have_count(24)

    page.click("a[rel=next]")
    expect(page.locator(".card")).to_have_count(48)
    assert page.evaluate("document.activeElement.closest('.card') === document.querySelectorAll('.card')[24]")
    page.reload()

    expect(page.locator(".card")).to_have_count(48)
    page.click("a[rel=next]")
    expect(page.locator(".card")).to_have_count(55)
    expect(page.locator("a[rel=next]")).to_have_count(0)


def test_going_back_finds_the_place_again(open_page: Open) -> None:
    page = open_page("/?q=mug&catalog=mugs&shown=48")
    page.evaluate("scrollTo(0, 1500)")
    place = page.evaluate("scrollY")
    page.evaluate("document.querySelectorAll('.similar')[40].click()")
    page.wait_for_url("**like=*")

    page.go_back()

    expect(page.locator(".card")).to_have_count(48)
    expect(page.locator("html")).to_have_js_property("scrollTop", place)


def test_a_card_leads_to_its_picture_where_the_shop_has_no_page_of_it(open_page: Open) -> None:
    page = open_page("/?q=red+shoe")

    page.click(".card h2 a >> nth=0")

    page.wait_for_url("**/images/products/red%20shoe?size=full")
    assert page.evaluate("document.images[0].naturalWidth") == 64
