"""A coloured shop served by a real server, and one headless Chromium that looks at it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, sync_playwright

from api.app import create_app
from core.catalog import CatalogStore
from core.language import Language
from core.settings import Settings
from tests.color_encoder import ColorEncoder
from tests.serving import serving
from tests.shops import Shop, coloured_shop, product

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
Open = Callable[..., Page]


@dataclass(frozen=True, slots=True)
class Site:
    """A shop on its port."""

    url: str
    data: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, language: Language) -> Iterator[Site]:
    """Shoes and bags in three colours, and a second catalog with more than one page of mugs."""
    data = tmp_path_factory.mktemp("site")
    store = CatalogStore.open(f"sqlite:///{data}/catalog.db")
    shop = coloured_shop(Shop(data, store, ColorEncoder(), language))
    shop.ingest(
        [
            product(
                shop,
                "purple lamp",
                "purple",
                title_zh="紫色台灯",
                link="https://shop.example/lamp",
                currency="USD",
            ),
            product(shop, "<img src=x onerror=alert(1)>", "black", link="javascript:alert(1)"),
        ]
    )
    shop.ingest(
        [product(shop, f"white mug {n:02}", "white", price=1.0 + n) for n in range(55)], catalog="mugs"
    )
    with serving(create_app(Settings(data=data), shop.engine())) as url:
        yield Site(url, data)
    store.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: `apt-get install chromium`")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Open]:
    """Opens an address of the shop; afterwards, no page has logged an error or asked another host."""
    contexts, complaints = [], []

    def guard(route: Route) -> None:
        if route.request.url.startswith((site.url, "data:", "blob:")):
            route.continue_()
        else:
            complaints.append(f"a request left for {route.request.url}")
            route.abort()

    def heard(line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            complaints.append(line.text)

    def opened(path: str = "/", **options: Any) -> Page:
        usual: dict[str, Any] = {"locale": "en-US", "viewport": {"width": 1200, "height": 800}}
        context = browser.new_context(**usual | options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.route("**", guard)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", heard)
        page.goto(site.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    # Chromium itself logs an answer that is a refusal, however well the page shows it.
    refused = re.compile(r"the server responded with a status of (4\d\d|503)")
    assert [each for each in complaints if not refused.search(each)] == []
