"""A feed's row to a product: which values count, and what is too broken to be sold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from core.types import Product
from indexer.columns import attribute_of, field_of, title_language
from indexer.prices import Price, parse_price
from indexer.rows import FeedRow, RawRow, Reject, RowError, refused

MAX_ID = 200
MAX_PICTURES = 32
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CATEGORY_SEPARATOR = re.compile(r"[>›»]")
_NEXT_LINK = re.compile(r",\s*(?=https?://)")


def read_product(row: RawRow) -> FeedRow | Reject:
    """The product of a row, or why there is none."""
    try:
        return _Columns(row).feed_row()
    except RowError as problem:
        return refused(row.line, id_of(row.columns), problem.code, problem.reason)
    except RecursionError:
        return refused(row.line, id_of(row.columns), "broken_row", "its values are nested too deeply")


def id_of(columns: Mapping[str, object]) -> str | None:
    """The row's id as far as it can be read: what a reject is reported under."""
    ids = sorted((found[1], _id_text(value)) for header, value in columns.items()
                 if (found := field_of(header)) and found[0] == "id")  # fmt: skip
    return next((text[:MAX_ID] for _, text in ids if text), None)


class _Columns:
    """One row's values, sorted by the field they fill."""

    def __init__(self, row: RawRow) -> None:
        self._line = row.line
        self._fields: dict[str, list[tuple[int, str, object]]] = {}
        self._titles: dict[str, str] = {}
        self._attributes: dict[str, tuple[str, ...]] = {}
        for header, value in row.columns.items():
            self._place(header, value)
        for ranked in self._fields.values():
            ranked.sort(key=lambda found: found[0])

    def feed_row(self) -> FeedRow:
        product_id = self._id()
        links = self._links()
        price, problems = self._price(product_id)
        title = self._first("title") or next(iter(self._titles.values()), "")
        description = self._first("description")
        if not (title or description or links):
            raise RowError("empty_product", "it has neither a title nor a picture")
        category = self._category()
        currency = price.currency if price and price.sure else self._first("currency").upper() or None
        product = Product(
            id=product_id,
            title=title,
            titles=self._titles,
            description=description,
            category=category,
            price=price.amount if price else None,
            currency=currency or (price.currency if price else None),
            attributes=self._all_attributes(),
            pictures=tuple(map(_shown_link, links)),
            link=self._first("link") or None,
        )
        return FeedRow(self._line, product, links, problems)

    def _place(self, header: str, value: object) -> None:
        if (language := title_language(header)) is not None:
            if title := _text(value):
                self._titles[language] = title
        elif (found := field_of(header)) is None:
            self._attributes.update(_flattened(attribute_of(header), value))
        elif found[0] == "attributes" and isinstance(value, Mapping):
            for name, inner in value.items():
                self._attributes.update(_flattened(attribute_of(str(name)), inner))
        elif found[0] == "attributes":
            self._attributes.update(_flattened("attributes", value))
        else:
            self._fields.setdefault(found[0], []).append((found[1], header, value))

    def _first(self, field: str) -> str:
        return next((text for _, _, value in self._fields.get(field, ()) if (text := _text(value))), "")

    def _id(self) -> str:
        found = next((text for _, _, value in self._fields.get("id", ()) if (text := _id_text(value))), "")
        if not found:
            raise RowError("missing_id", "it has no id")
        if len(found) > MAX_ID:
            raise RowError("bad_id", f"its id has {len(found):,} characters; at most {MAX_ID} are allowed")
        if _SURROGATE.search(found) or not found.isprintable():
            raise RowError("bad_id", "its id holds characters that can't be printed")
        return found

    def _links(self) -> tuple[str, ...]:
        links: dict[str, None] = {}
        for field, split in (("picture", _NEXT_LINK), ("more_pictures", re.compile(r",\s*"))):
            for _, _, value in self._fields.get(field, ()):
                links.update(dict.fromkeys(_link_texts(value, split)))
        if len(links) > MAX_PICTURES:
            raise RowError("too_many_pictures", f"it has {len(links)} pictures; at most {MAX_PICTURES}")
        return tuple(links)

    def _price(self, product_id: str) -> tuple[Price | None, tuple[Reject, ...]]:
        """A price that can't be read costs the product its price, not its place in the shop."""
        for _, _, value in self._fields.get("price", ()):
            try:
                if (price := parse_price(value)) is not None:
                    return price, ()
            except RowError as problem:
                reason = f"{problem.reason}; the product is kept without a price"
                return None, (refused(self._line, product_id, problem.code, reason),)
        return None, ()

    def _category(self) -> tuple[str, ...]:
        return next((path for _, _, value in self._fields.get("category", ()) if (path := _path(value))), ())

    def _all_attributes(self) -> dict[str, tuple[str, ...]]:
        """The columns without a field, and those whose field another column filled better."""
        spare: dict[str, tuple[str, ...]] = {}
        for field in ("id", "title", "category"):
            used = False
            for _, header, value in self._fields.get(field, ()):
                if used:
                    spare.update(_flattened(header, value))
                used = used or bool(_text(value))
        return {**spare, **self._attributes}


def _text(value: object) -> str:
    """A value as clean text; lists are joined, nothing is ''. Raises RowError where it can't be stored."""
    if isinstance(value, list | tuple):
        return " ".join(filter(None, map(_text, value)))
    if value is None or isinstance(value, Mapping):
        return ""
    text = _CONTROL.sub(" ", _scalar(value)).strip()
    if _SURROGATE.search(text):
        raise RowError("bad_encoding", "its text is in a broken encoding; save the feed as UTF-8")
    return text


def _shown_link(link: str) -> str:
    """The link as it is stored; a picture that is itself in the link would only be there twice."""
    text = _text(link)
    return f"{text[:40]}…" if text[:5].lower() == "data:" else text


def _id_text(value: object) -> str:
    return (
        _scalar(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    )


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _flattened(name: str, value: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    """`names: {zh: …}` becomes `names.zh`; a list stays a list of texts; what is empty is left out."""
    if isinstance(value, Mapping):
        for inner, further in value.items():
            yield from _flattened(f"{name}.{inner}", further)
        return
    values = value if isinstance(value, list | tuple) else [value]
    texts = tuple(text for text in map(_text, values) if text)
    if texts and (key := _text(name)):
        yield key, texts


def _path(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and len(value) != 1:
        return tuple(text for text in map(_text, value) if text)
    text = _text(value)
    parts = _CATEGORY_SEPARATOR.split(text) if _CATEGORY_SEPARATOR.search(text) else text.split("/")
    return tuple(part.strip() for part in parts if part.strip())


def _link_texts(value: object, split: re.Pattern[str]) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _link_texts(inner, split)
    elif isinstance(value, Mapping):
        yield from _link_texts(value.get("url") or value.get("src"), split)
    elif isinstance(value, str) and (link := value.strip()):
        yield from [link] if link[:5].lower() == "data:" else filter(None, map(str.strip, split.split(link)))
