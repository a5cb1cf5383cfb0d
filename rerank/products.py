"""A product as a judge reads it: one text of what its shop says, the telling things first."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from core.language.attributes import told_attributes
from core.language.normal import prose
from core.types import Product

MAX_TEXT = 2_048
"""Characters; what the lychee judge was measured with on products."""
_MAX_NAME = 300
_SEPARATOR = " | "
_ALL = ("title", "description", "category", "attributes")
_STOPS = (". ", "! ", "? ", "; ", "。", "！", "？", "；", _SEPARATOR)

_STRAY_STOPS = re.compile(r"(?<=[.!?。！？])(?: \.)+(?= |$)")


def text_of(product: Product, fields: Collection[str] = _ALL) -> str:
    """Titles, category path, attributes, price and description of the fields that count, in this order.

    A longer text ends with its last whole sentence, else with its last whole word.
    """
    return _cut(_SEPARATOR.join(dict.fromkeys(part for part in _parts(product, fields) if part)))


def _parts(product: Product, fields: Collection[str]) -> Iterator[str]:
    if "title" in fields:
        for title in (product.title, *product.titles.values()):
            yield prose(title, _MAX_NAME)
    if "category" in fields:
        yield prose(" > ".join(product.category), _MAX_NAME)
    if "attributes" in fields:
        yield from _attributes(product)
    if product.price is not None:
        yield f"price: {product.price:.2f} {product.currency or ''}".rstrip()
    # Last, since it is the longest: where a text is cut, it is the end of the description that goes.
    if "description" in fields:
        yield _sentences(prose(product.description, MAX_TEXT))


def _sentences(text: str) -> str:
    """The text with one full stop where markup has ended a sentence that had one already."""
    return _STRAY_STOPS.sub("", text).replace(" . ", ". ").removeprefix(". ").removesuffix(" .")


def _attributes(product: Product) -> Iterator[str]:
    """What each attribute says, in words; those of a known kind, such as colours, come first."""
    said = [
        _said(name, values) if sum(map(len, values)) <= _MAX_NAME else _said.__wrapped__(name, values)
        for name, values in product.attributes.items()
    ]
    yield from (each.text for each in said if each.is_known)
    yield from (each.text for each in said if not each.is_known)


@dataclass(frozen=True, slots=True)
class _Said:
    text: str
    """`name: values`; empty for an attribute that holds no words."""
    is_known: bool = False


# A shop says the same short things of many products.
@lru_cache(maxsize=8_192)
def _said(name: str, values: tuple[str, ...]) -> _Said:
    for told in told_attributes({name: values}):
        words = told.text or ", ".join(concept.partition(":")[2] for concept in told.concepts)
        if words:
            return _Said(f"{told.kind or prose(name, _MAX_NAME)}: {words}", told.kind is not None)
    return _Said("")


def _cut(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    head = text[: MAX_TEXT + 1]
    end = max(head.rfind(stop) + len(stop.rstrip()) for stop in _STOPS)
    if end < MAX_TEXT * 3 // 4:
        end = head.rfind(" ")
    return text[: end if end > 0 else MAX_TEXT].rstrip(" |")
