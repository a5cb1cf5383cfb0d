"""Hostile feeds: rows that make sense and rows that don't, in every format, in encodings right and wrong, and damaged."""

from __future__ import annotations

import base64
import csv
import io
import json
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bench.fuzz.running import Target
from bench.fuzz.texts import ANY_TEXT, RUNS
from core.errors import MissingExtra, UnreadableFeed
from indexer.feeds import FeedFormat, open_feed, read_entries
from indexer.rows import FeedRow, Reject

ROWS_READ = 5_000
_HEADERS = st.sampled_from(
    ["id", "title", "description", "image_link", "additional_image_link", "price", "sale_price", "currency", "color",
     "size", "product_type", "category", "link", "标题", "价格", "类目", "图片", "title_zh", "Handle", "attributes",
     "tags", "vendor", "Variant Price", "Image Src", "Option1 Name", "Option1 Value", "Body (HTML)", "g:id",
     "Cut (product.metafields.custom.cut)", "\ufeffid"]
)  # fmt: skip
_CELLS = st.one_of(
    ANY_TEXT,
    RUNS,
    st.sampled_from(
        ["1", "15.00 USD", "¥199", "1.299,00 €", "99-199元", "5 to 7", "nan", "1e999", "-5", "红色 > 连衣裙", "a.jpg",
         "https://shop.example/a.jpg, https://shop.example/b.jpg", "data:image/png;base64,AAAA", "../../etc/passwd",
         "http://[::1", "\\\\host\\share\\a.jpg", "=1+1", "٣ USD", "１２３", "S|M|L", "\x00", "\ufeff", "\u202e"]
    ),
    st.builds(lambda cell, gap, end: f"{cell}{gap}{end}", st.sampled_from(["1", "a", "$"]), RUNS,
              st.sampled_from(["2", "b", ""])),
)  # fmt: skip
_NAMES = _HEADERS | ANY_TEXT
_SCALARS: SearchStrategy[Any] = st.one_of(
    _CELLS, st.none(), st.booleans(), st.integers(), st.floats(), st.integers(10**300, 10**310)
)
_VALUES: SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
ENTRIES = st.lists(
    st.dictionaries(_NAMES, _VALUES, max_size=8).map(lambda entry: {"id": "1", **entry})
    | st.dictionaries(_NAMES, _VALUES),
    max_size=4,
)
_TABLES = st.tuples(st.lists(_NAMES, max_size=8), st.lists(st.lists(_CELLS, max_size=9), max_size=5))
_ENCODINGS = st.sampled_from(
    ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be", "utf-16-le", "latin-1", "utf-32"]
)


def _written(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "replace" if encoding == "latin-1" else "surrogatepass")


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return _written(text, encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _table(table: tuple[list[str], list[list[str]]], delimiter: str, ending: str) -> str:
    header, rows = table
    kept = io.StringIO()
    writer = csv.writer(kept, delimiter=delimiter, lineterminator=ending)
    writer.writerow(["id", *header])
    writer.writerows([str(number), *row] for number, row in enumerate(rows))
    return kept.getvalue()


def _xml(entries: list[list[tuple[str, str]]], declared: str, nested: int) -> str:
    def element(name: str, text: str) -> str:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        return f"<g:{name}>" * nested + escaped + f"</g:{name}>" * nested

    items = "".join(f"<item>{''.join(element(*each) for each in entry)}</item>" for entry in entries)
    head = f'<?xml version="1.0"{declared}?>'
    return f'{head}<rss xmlns:g="http://base.google.com/ns/1.0"><channel>{items}</channel></rss>'


_XML_NAMES = st.sampled_from(["id", "title", "price", "link", "image_link", "product_type", "item", "entry"])
_XML = st.builds(
    _xml,
    st.lists(st.lists(st.tuples(_XML_NAMES, _CELLS), max_size=6), max_size=4),
    st.sampled_from(["", ' encoding="utf-8"', ' encoding="GBK"', ' encoding="utf-16"', ' encoding="nope"',
                     ' encoding="latin-1"', ' encoding="big5"', ' encoding="rot13"', ' standalone="yes"']),
    st.integers(1, 3) | st.integers(1, 3_000),
)  # fmt: skip
_BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
_TEXTS: dict[FeedFormat, SearchStrategy[str]] = {
    "jsonl": st.one_of(
        st.lists(ENTRIES.map(lambda rows: "\n".join(map(json.dumps, rows))), max_size=2).map("\n".join),
        ENTRIES.map(json.dumps),
        st.builds(lambda opened, times: opened * times, st.sampled_from(["[", '{"a":', "[{}", "1"]), st.integers(1, 9_000)),
    ),
    "csv": st.builds(_table, _TABLES, st.sampled_from([",", ";", "|"]), st.sampled_from(["\n", "\r\n", "\r"])),
    "tsv": st.builds(_table, _TABLES, st.just("\t"), st.just("\n")),
    "shopify": st.builds(
        lambda table: _table((["Handle", "Title", "Variant Price", "Option1 Name", *table[0]], table[1]), ",", "\n"),
        _TABLES,
    ),
    "google-xml": _XML | _XML.map(lambda text: text.replace("<rss", f"{_BOMB}<rss", 1)) | ANY_TEXT,
}  # fmt: skip
_DAMAGE = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.integers(0, 3), st.binary(min_size=1, max_size=4)), max_size=4
)


def damaged(data: bytes, damage: list[tuple[int, int, bytes]]) -> bytes:
    """The bytes with some overwritten, put in, taken out, or cut off."""
    for at, how, other in damage:
        at %= len(data) + 1
        ends = {0: at, 1: at + len(other), 2: at + 8 * len(other), 3: len(data)}
        data = data[:at] + other + data[ends[how] :]
    return data


def files_of(form: FeedFormat) -> SearchStrategy[bytes]:
    """Feeds of a format as bytes: most of them whole, some damaged."""
    whole = st.builds(_encoded, _TEXTS[form], _ENCODINGS)
    return whole | st.builds(damaged, whole, _DAMAGE)


def read_feed(data: bytes, *, form: FeedFormat) -> None:
    """Reads a feed as an ingest does; what comes are products and rejects that can be stored."""
    path = _folder() / f"feed.{form}"
    path.write_bytes(data)
    for row in open_feed(path, form=form).rows(ROWS_READ):
        storable(row)


def read_sent(entries: list[dict[str, Any]]) -> None:
    """Reads products as they are sent over HTTP."""
    for row in read_entries(entries):
        storable(row)


def storable(row: FeedRow | Reject) -> None:
    """Returns for what a database takes: whole characters, no NUL in ids and titles, prices that are numbers."""
    if isinstance(row, Reject):
        return
    product = row.product
    texts = [product.id, product.title, product.description, *product.titles.values(), *product.category]
    texts += [text for name, values in product.attributes.items() for text in (name, *values)]
    "".join(texts).encode("utf-8")
    if any("\0" in text for text in texts) or not 0 < len(product.id) <= 200:
        raise AssertionError(f"can't be stored: {texts!r}")
    if product.price is not None and not 0 <= product.price < float("inf"):
        raise AssertionError(f"is no price: {product.price!r}")


def read_named(names: list[bytes]) -> None:
    """Reads a folder of pictures whose names are any bytes."""
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        for name in names:
            path = folder.encode() + b"/" + name
            try:
                with open(path, "wb") as file:  # noqa: PTH123 names that are no text
                    file.write(base64.b64decode("R0lGODlhAQABAAAAACwAAAAAAQABAAAC"))
            except (OSError, ValueError):
                continue
        for row in open_feed(Path(folder)).rows():
            storable(row)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="lychee-feeds-"))


_NAMED = st.lists(
    st.binary(min_size=1, max_size=250).map(lambda name: name.replace(b"/", b"_")).flatmap(
        lambda name: st.sampled_from([name, name + b".jpg", name + b".\xff.png"])
    ),
    max_size=5,
)  # fmt: skip


def feed_targets() -> dict[str, Target]:
    """One target a format, `feeds` for all of them, one for what is sent over HTTP, one for folders."""
    refusals = (UnreadableFeed, MissingExtra)

    def reading(form: FeedFormat) -> Callable[[bytes], None]:
        return partial(read_feed, form=form)

    mixed = st.one_of(*(st.tuples(st.just(form), files_of(form)) for form in _TEXTS))
    made = [Target(f"feed-{form}", files_of(form), reading(form), refusals) for form in _TEXTS]
    made.append(Target("feeds", mixed, lambda given: read_feed(given[1], form=given[0]), refusals))
    made.append(Target("entries", ENTRIES, read_sent))
    made.append(Target("folders", _NAMED, read_named, refusals))
    return {each.name: each for each in made}
