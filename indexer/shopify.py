"""Shopify's product export: several rows a product, the title on the first; old and new header names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from indexer.rows import RawRow, Reject

_HANDLES = ("handle", "url handle")
_PICTURES = ("image src", "product image url")
_MORE_PICTURES = ("variant image", "variant image url")
_PRICES = ("variant price", "price")
_MARKS = {"variant price", "image src", "product image url", "option1 name", "body (html)"}


def is_shopify(header: Sequence[str]) -> bool:
    """True for the header of Shopify's export."""
    names = {name.strip().lstrip("\ufeff").casefold() for name in header}
    return not names.isdisjoint(_HANDLES) and "title" in names and not names.isdisjoint(_MARKS)


def grouped(rows: Iterator[RawRow | Reject]) -> Iterator[RawRow | Reject]:
    """One row a product: rows of one handle that follow each other are put together."""
    for _, group in groupby(rows, key=_group_key):
        first, *rest = group
        yield (
            first
            if isinstance(first, Reject)
            else _together(first, [r for r in rest if isinstance(r, RawRow)])
        )


def _group_key(row: RawRow | Reject) -> str:
    # Every reject stands alone, and so does a row without a handle.
    handle = "" if isinstance(row, Reject) else _value(_lower(row), _HANDLES)
    return handle or f"\0{row.line}"


def _together(first: RawRow, rest: Sequence[RawRow]) -> RawRow:
    rows = [_lower(row) for row in (first, *rest)]
    columns = {
        name: value for name, value in first.columns.items() if not _is_variant(name.casefold().strip())
    }
    columns["id"] = _value(rows[0], _HANDLES)
    columns["image_link"] = _all(rows, _PICTURES)
    columns["additional_image_link"] = _all(rows, _MORE_PICTURES)
    columns["price"] = next(iter(_all(rows, _PRICES)), "")
    columns["tags"] = [tag.strip() for tag in _value(rows[0], ("tags",)).split(",") if tag.strip()]
    columns["sku"] = _all(rows, ("variant sku", "sku"))
    for number in (1, 2, 3):
        name = _value(rows[0], (f"option{number} name",))
        values = _all(rows, (f"option{number} value",))
        if name and values != ["Default Title"]:
            columns[name] = values
    return RawRow(first.line, columns)


def _is_variant(name: str) -> bool:
    handled = {
        *_HANDLES,
        *_PICTURES,
        *_MORE_PICTURES,
        *_PRICES,
        "tags",
        "sku",
        "image position",
        "image alt text",
    }
    return name in handled or name.startswith(("variant ", "option", "inventory ", "weight "))


def _lower(row: RawRow) -> Mapping[str, str]:
    return {name.strip().lstrip("\ufeff").casefold(): str(value or "") for name, value in row.columns.items()}


def _value(row: Mapping[str, str], names: Sequence[str]) -> str:
    return next((row[name].strip() for name in names if row.get(name, "").strip()), "")


def _all(rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> list[str]:
    """The different values of a column over all rows of a product, in their order."""
    return list(dict.fromkeys(value for row in rows if (value := _value(row, names))))
