"""The search page in a real browser, as shoppers use it."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.web.conftest import Open, Site

pytestmark = pytest.mark.browser
FIELD = "input[type=search]"


def titles(page: Page, count: int = 2) -> list[str]:
    """The titles of the best hits, once an answer is there."""
    expect(page.locator("#results:not([aria-busy]) .summary")).to_be_visible()
    return page.locator(".card h2").all_text_contents()[:count]


def picture(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (48, 48), colour).save(buffer, "PNG")
    return buffer.getvalue()


def choose(page: Page, data: bytes, name: str = "query.png") -> None:
    page.set_input_files("input[type=file]", {"name": name, "mimeType": "image/png", "buffer": data})


def hand_over(page: Page, event: str, data: bytes) -> None:
    """Pastes or drops a picture somewhere on the page."""
    page.evaluate(
        """([event, data]) => {
          const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
          const held = new DataTransfer();
          held.items.add(new File([bytes], "held.png", { type: "image/png" }));
          const kind = event === "paste" ? ClipboardEvent : DragEvent;
          const transfer = event === "paste" ? "clipboardData" : "dataTransfer";
          document.body.dispatchEvent(
            new kind(event, { [transfer]: held, bubbles: true, cancelable: true }));
        }""",
        [event, base64.b64encode(data).decode()],
    )


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
    photo = Path(site.data) / "photo.tiff"
    Image.new("RGB", (64, 64), "#ff0000").save(photo)

    choose(page, photo.read_bytes(), "photo.tiff")

    page.wait_for_url("**/?image=upload*")
    shown = page.get_by_alt_text("The picture you search by")
    expect(shown).to_be_visible()
    assert shown.evaluate("(each) => each.complete && each.naturalWidth") == 64
