"""The page for every reader: without JavaScript, on a phone, in the dark, in Chinese, and when something goes wrong."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.web.acting import FIELD, choose, picture, titles
from tests.web.conftest import Open, Site

pytestmark = pytest.mark.browser


def test_the_page_works_without_javascript(open_page: Open, site: Site) -> None:
    page = open_page(java_script_enabled=False)

    page.fill(FIELD, "red shoe")
    page.press(FIELD, "Enter")
    assert page.url == f"{site.url}/?q=red+shoe"
    choose(page, picture("#ff0000"))
    page.click("form.query button")
    assert re.search(r"/\?q=red\+shoe&image=upload%3A\w+$", page.url)
    page.select_option("select[name=sort]", "price_desc")
    page.click("button:has-text('Apply')")
    assert page.url.endswith("&sort=price_desc")
    page.click("[aria-label='Similar: red shoe']")

    assert page.locator(".card h2").first.text_content() == "red bag"


def test_a_file_that_is_no_picture_is_refused_in_a_sentence(open_page: Open, site: Site) -> None:
    page = open_page("/?q=red+shoe")

    choose(page, b"not a picture")

    expect(page.get_by_role("alert")).to_contain_text("This picture can't be read")
    assert page.url == f"{site.url}/?q=red+shoe"
    assert page.input_value(FIELD) == "red shoe"


def test_without_javascript_a_refused_picture_is_a_page_too(open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    choose(page, b"not a picture")

    with page.expect_response("**/") as answered:
        page.click("form.query button")

    assert answered.value.status == 422
    expect(page.get_by_role("alert")).to_contain_text("This picture can't be read")
    expect(page.locator(FIELD)).to_be_visible()


def test_a_busy_server_is_asked_again_without_a_word(open_page: Open) -> None:
    page = open_page("/")
    asked: list[str] = []

    def busy_at_first(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 2:
            route.fallback()
        else:
            route.fulfill(status=503, headers={"Retry-After": "0"}, body="{}")

    page.route("**/", busy_at_first)
    page.fill(FIELD, "red shoe")
    page.press(FIELD, "Enter")

    assert titles(page) == ["red shoe", "red bag"]
    assert len(asked) == 3
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_server_that_is_away_is_said_to_be(open_page: Open) -> None:
    page = open_page("/?q=red+shoe")
    page.context.unroute_all()
    page.route("**/", lambda route: route.fulfill(status=404, body="no page"))

    page.fill(FIELD, "blue")
    page.press(FIELD, "Enter")

    expect(page.locator(".problem")).to_have_text("The server can't be reached. Please try again.")
    assert page.input_value(FIELD) == "blue"


def test_a_filter_that_nothing_passes_can_be_removed(open_page: Open) -> None:
    page = open_page("/?q=shoe&filter=price+%3C+1")
    expect(page.locator("#results h1")).to_have_text("Nothing passes this filter.")

    page.click(".empty a")

    page.wait_for_url("**/?q=shoe")
    assert len(titles(page)) == 2


def test_words_that_no_product_has_are_answered_honestly(open_page: Open) -> None:
    page = open_page("/?q=zzyzx")

    expect(page.locator(".weak")).to_contain_text("No product is described in these words")
    assert page.locator(".card").count() > 0


def test_nothing_scrolls_sideways_on_a_phone(open_page: Open) -> None:
    phone = {"width": 360, "height": 740}

    for path in ("/", "/?q=red+shoe&catalog=products", f"/?q={'w' * 300}", "/?q=x&filter=price+%3C", "/docs"):
        page = open_page(path, viewport=phone)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_the_page_is_dark_where_the_reader_likes_it_dark(open_page: Open) -> None:
    def lightness(page: Page) -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3])

    assert lightness(open_page(color_scheme="dark")) < 150
    assert lightness(open_page(color_scheme="light")) > 600


def test_chinese_readers_get_chinese_and_may_switch(open_page: Open) -> None:
    page = open_page("/?q=紫色台灯", locale="zh-CN")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert titles(page, 1) == ["紫色台灯"]
    assert page.locator(".understood .tag").first.text_content() == "紫色"

    page.click(".language")

    page.wait_for_url("**lang=en")
    expect(page.locator("form.query button")).to_have_text("Search")
    assert titles(page, 1) == ["purple lamp"]
    assert page.locator("html").get_attribute("lang") == "en"


def test_every_picture_has_words_a_size_and_waits_until_it_is_seen(open_page: Open) -> None:
    page = open_page("/?q=shoe")

    pictures = page.locator(".card img").all()

    assert len(pictures) == 8
    for each in pictures:
        assert each.get_attribute("alt")
        assert each.get_attribute("width") == each.get_attribute("height") == "320"
        assert each.get_attribute("loading") == "lazy"
    assert page.evaluate("[...document.images].every((each) => each.hasAttribute('alt'))")


def test_a_hostile_title_stays_text_and_a_hostile_link_is_never_one(open_page: Open) -> None:
    page = open_page("/?q=black")

    expect(page.locator(".card h2", has_text="<img src=x")).to_have_count(1)

    assert page.locator("a[href^='javascript']").count() == 0
    assert page.locator("img[src='x']").count() == 0


def test_the_documentation_names_every_route_without_the_internet(open_page: Open) -> None:
    page = open_page("/docs")

    named = page.locator("section h2 code").all_text_contents()
    page.click("a[href='#schema-SearchBody'] >> nth=0")

    assert {"/api/search", "/api/products/{product_id}", "/readyz"} <= set(named)
    expect(page.locator("#schema-SearchBody")).to_contain_text("filter")


def test_a_picture_from_a_phone_is_shown_though_no_browser_reads_its_format(
    open_page: Open, site: Site
) -> None:
    page = open_page()
    photo = site.data / "photo.tiff"
    Image.new("RGB", (64, 64), "#ff0000").save(photo)

    choose(page, photo.read_bytes(), "photo.tiff")

    page.wait_for_url("**/?image=upload*")
    shown = page.get_by_alt_text("The picture you search by")
    expect(shown).to_be_visible()
    assert shown.evaluate("(each) => each.complete && each.naturalWidth") == 64
