"""Products as they are stored: one JSON body to show them, and folded values to filter and count them by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from core.catalog.dialect import storable
from core.filters import PATH_SEPARATOR, folded, folded_path, number
from core.types import Product

MAX_VALUE_CHARACTERS = 200
"""Longer values and names are prose: they are kept and shown, but nobody filters by them.

PostgreSQL's indexes refuse them from some 2,700 bytes on.
"""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a product that filters and facets can see."""

    name: str
    folded: str
    shown: str
    number: float | None


def to_body(product: Product) -> bytes:
    """The whole product as JSON; empty fields are left out."""
    whole = {
        "id": product.id,
        "title": product.title,
        "titles": dict(product.titles),
        "description": product.description,
        "category": product.category,
        "price": product.price,
        "currency": product.currency,
        "attributes": {name: list(values) for name, values in product.attributes.items()},
        "pictures": product.pictures,
        "link": product.link,
    }
    filled = {name: value for name, value in whole.items() if value or value == 0}
    try:
        return orjson.dumps(filled)
    except TypeError:
        # Lone surrogates: orjson refuses them, and so would every browser.
        return orjson.dumps(_storable(filled))


def from_body(body: bytes) -> Product:
    """The product of a stored body."""
    whole = orjson.loads(body)
    get = whole.get
    return Product(
        id=whole["id"],
        title=get("title", ""),
        titles=get("titles") or {},
        description=get("description", ""),
        category=tuple(get("category", ())),
        price=get("price"),
        currency=get("currency"),
        attributes={name: tuple(values) for name, values in get("attributes", {}).items()},
        pictures=tuple(get("pictures", ())),
        link=get("link"),
    )


def values_of(product: Product) -> Iterator[Value]:
    """Each filterable value once: attributes, currency, and every prefix of the category path."""
    seen: set[tuple[str, str]] = set()
    for value in _all_values(product):
        longest = max(len(value.name), len(value.folded))
        if value.folded and longest <= MAX_VALUE_CHARACTERS and (value.name, value.folded) not in seen:
            seen.add((value.name, value.folded))
            yield value


def level_name(level: int) -> str:
    """The name under which the paths of one category level are stored, the widest being 0."""
    return f"category.lvl{level}"


def _all_values(product: Product) -> Iterator[Value]:
    for level in range(len(product.category)):
        path = PATH_SEPARATOR.join(product.category[: level + 1])
        yield Value(level_name(level), storable(folded_path(path)), storable(path), None)
    if product.currency:
        yield _plain("currency", product.currency)
    for name, values in product.attributes.items():
        for value in values:
            yield _plain(name, value)


def _plain(name: str, value: str) -> Value:
    return Value(storable(folded(name)), storable(folded(value)), storable(value), number(value))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _storable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value
