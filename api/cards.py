"""One product as the page's grid shows it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from api.schemas import ProductBody
from api.verdict import Verdict

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥"}
WHOLE = ("JPY", "KRW", "VND", "CLP", "ISK")
"""Currencies without smaller coins."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a card of the grid holds."""

    id: str
    title: str
    title_lang: str
    """Empty where the shop doesn't say which language its title is in."""
    second_title: str
    second_lang: str
    price: str
    thumbnail: str | None
    href: str
    """The shop's own page of the product, or its picture; empty where there is neither."""
    similar: str
    verdict: Verdict | None = None
    """What the judge says of it, where it was asked."""


def card_of(product: ProductBody, language: str, similar: str, verdict: Verdict | None = None) -> Card:
    """The card; the title is in the reader's language where the shop has one."""
    titles = {key: text for key, text in {"": product.title, **product.titles}.items() if text.strip()}
    own = next((key for key in titles if key[:2] == language), next(iter(titles), ""))
    second = next((key for key, text in titles.items() if text != titles[own]), None)
    return Card(
        id=product.id,
        title=titles.get(own, product.id),
        title_lang=own,
        second_title="" if second is None else titles[second],
        second_lang=second or "",
        price=price_of(product.price, product.currency),
        thumbnail=product.thumbnail,
        href=_href(product),
        similar=similar,
        verdict=verdict,
    )


def price_of(price: float | None, currency: str | None) -> str:
    """The price with its sign, or its currency's code; empty where there is none."""
    if price is None:
        return ""
    sign, code = SIGNS.get(currency or "", ""), currency or ""
    shown = f"{price:,.0f}" if code in WHOLE else f"{price:,.2f}"
    return f"{sign}{shown}" if sign else f"{shown} {code}".strip()


def _href(product: ProductBody) -> str:
    """A link with another scheme than http is never followed."""
    try:
        web = urlsplit(product.link or "").scheme in ("http", "https")
    except ValueError:  # such as http://[
        web = False
    return product.link if web and product.link else product.image or ""
