"""The door of a shared server in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from api.app import create_app
from api.sharing import Gate
from core.catalog import CatalogStore
from core.language import Language
from core.settings import Settings
from tests.color_encoder import ColorEncoder
from tests.serving import serving
from tests.shops import Shop, coloured_shop
from tests.web.conftest import Open, Site
from tests.word_judge import WordJudge

pytestmark = pytest.mark.browser
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate(PASSWORD)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, language: Language, gate: Gate) -> Iterator[Site]:
    """A shared shop."""
    data = tmp_path_factory.mktemp("shared")
    store = CatalogStore.open(f"sqlite:///{data}/catalog.db")
    shop = coloured_shop(Shop(data, store, ColorEncoder(), language))
    with serving(create_app(Settings(data=data), shop.engine(WordJudge()), gate)) as url:
        yield Site(url, data)
    store.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_password_opens_the_page_that_was_asked_for(open_page: Open, scripts: bool) -> None:
    page = open_page("/?q=red+shoe", java_script_enabled=scripts)
    expect(page.locator("h1")).to_have_text("Log in")

    page.keyboard.type("wrong one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the password.")
    page.fill("input[type=password]", PASSWORD)
    page.click("button")

    page.wait_for_url("**/?q=red+shoe")
    expect(page.locator(".card h2").first).to_have_text("red shoe")
    assert page.evaluate("document.cookie") == ""
    page.goto(page.url.replace("/?q=red+shoe", "/rerank"))
    expect(page.locator("main.judge")).to_be_visible()


def test_the_link_of_the_code_opens_the_shop_and_leaves_the_address(
    open_page: Open, gate: Gate, site: Site
) -> None:
    page = open_page(f"/login?token={gate.link_token}")

    assert page.url == f"{site.url}/"
    assert gate.link_token not in page.evaluate("document.referrer")


def test_chinese_readers_are_asked_in_chinese(open_page: Open) -> None:
    page = open_page("/", locale="zh-CN", viewport={"width": 360, "height": 740})

    expect(page.locator("h1")).to_have_text("登录")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.click(".language")
    expect(page.locator("h1")).to_have_text("Log in")


@pytest.mark.parametrize("path", ["/?q=red", "/rerank"])
def test_a_session_that_is_over_leads_to_the_door_from_a_running_page(
    open_page: Open, gate: Gate, path: str
) -> None:
    page = open_page(f"/login?token={gate.link_token}")
    page.goto(page.url.rstrip("/") + path)
    page.context.clear_cookies()

    page.click("form button[type=submit]" if path.startswith("/?") else ".act >> nth=0")

    page.wait_for_url("**/login**")
    expect(page.locator("h1")).to_have_text("Log in")
