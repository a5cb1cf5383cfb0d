"""One hit as the page's grid shows it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from api.schemas import HitBody, ProductBody

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥"}


@dataclass(frozen=True, slots=True)
class Card:
    """What a card of the grid holds."""

    title: str
    second_title: str
    second_lang: str
    price: str
    thumbnail: str | None
    href: str
    similar: str
    relevance: float | None
    band: str | None


def card_of(hit: HitBody, language: str, similar: str) -> Card:
    """The card; the title is in the reader's language where the shop has one."""
    product = hit.product
    titles = {"": product.title, **product.titles}
    own = next((key for key in titles if key.startswith(language) and titles[key]), "")
    second = next((key for key, text in titles.items() if key != own and text and text != titles[own]), None)
    return Card(
        title=titles[own] or next((text for text in titles.values() if text), product.id),
        second_title="" if second is None else titles[second],
        second_lang=second or "en",
        price=_price(product),
        thumbnail=product.thumbnail,
        href=_href(product),
        similar=similar,
        relevance=hit.relevance,
        band=hit.band,
    )


def _href(product: ProductBody) -> str:
    """The shop's own page of the product, or its picture; a link with another scheme is never followed."""
    if product.link and urlsplit(product.link).scheme in ("http", "https"):
        return product.link
    return product.image or "#"


def _price(product: ProductBody) -> str:
    if product.price is None:
        return ""
    sign = SIGNS.get(product.currency or "", "")
    shown = f"{product.price:,.2f}"
    return f"{sign}{shown}" if sign else f"{shown} {product.currency or ''}".strip()
