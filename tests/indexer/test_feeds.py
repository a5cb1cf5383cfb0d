"""Each broken row of a feed is refused alone, and every encoding is read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from core.errors import UnreadableFeed
from indexer.feeds import open_feed
from tests.indexer.reading_feeds import one, read, written


@pytest.mark.parametrize("name", ["gbk.csv", "utf8_bom.csv", "utf16.csv", "crlf.csv"])
def test_a_feed_is_read_in_its_encoding(judged: Path, name: str) -> None:
    product = one(judged / "nasty_inputs" / "catalogs" / name)

    assert (product.title, product.description, product.price) == ("红色连衣裙", "夏季新款", 99.0)


def test_fields_of_a_table_may_hold_lines_and_quotes(judged: Path) -> None:
    product = one(judged / "nasty_inputs" / "catalogs" / "quoted_newlines.csv")

    assert product.title == 'Red "summer" dress, size M'
    assert product.description == "line one\nline two"


def test_an_empty_feed_is_refused_and_one_with_a_header_has_no_products(judged: Path) -> None:
    folder = judged / "nasty_inputs" / "catalogs"

    with pytest.raises(UnreadableFeed, match="empty"):
        open_feed(folder / "empty.csv")
    assert read(folder / "header_only.csv") == ([], [])


def test_bad_fields_cost_what_they_must_and_no_more(judged: Path) -> None:
    products, rejects = read(judged / "nasty_inputs" / "catalogs" / "bad_fields.jsonl")

    assert [product.id for product in products] == ["5", "p6", "p7", "p9"]
    assert [product.price for product in products] == [None] * 4
    assert products[-1].attributes == {"attributes": ("red",)}
    assert rejects == [
        (1, "p1", "empty_product"),
        (2, None, "missing_id"),
        (3, None, "missing_id"),
        (4, "5", "bad_price"),
        (5, "p6", "bad_price"),
        (6, "p7", "bad_price"),
        (7, "p8", "empty_product"),
        (9, None, "broken_row"),
        (10, None, "broken_row"),
        (11, None, "broken_row"),
    ]


@pytest.mark.parametrize(
    ("name", "ids", "rejects"),
    [
        ("broken_line.jsonl", ["p1", "p3"], [(2, None, "broken_row")]),
        ("duplicate_ids.jsonl", ["p1"], [(2, "p1", "duplicate_id")]),
        ("ragged_rows.csv", ["p1"], [(3, "p2", "ragged_row")]),
        ("huge_text.jsonl", ["big"], []),
        ("injection_text.jsonl", ["i1", "i2", "i3", "i4", "i5"], []),
    ],
)
def test_a_broken_row_is_refused_alone(
    judged: Path, name: str, ids: list[str], rejects: list[tuple[int, str | None, str]]
) -> None:
    products, found = read(judged / "nasty_inputs" / "catalogs" / name)

    assert ([product.id for product in products], found) == (ids, rejects)


def test_an_id_is_text_and_never_a_path(judged: Path) -> None:
    products, _ = read(judged / "nasty_inputs" / "catalogs" / "paths.jsonl")

    assert [product.id for product in products][-2:] == ["../evil", "a/b?c#d"]


def test_one_broken_line_does_not_change_the_encoding_of_the_others(tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(n), "title": "红色连衣裙"}, ensure_ascii=False).encode() for n in range(5)]
    lines[2] = b'{"id": "2", "title": "\xff\xfe"}'
    feed = tmp_path / "feed.jsonl"
    feed.write_bytes(b"\n".join(lines))

    products, rejects = read(feed)

    assert [product.title for product in products] == ["红色连衣裙"] * 4
    assert rejects == [(3, None, "bad_encoding")] or rejects == [(3, "2", "bad_encoding")]


def test_a_line_of_more_than_a_megabyte_is_refused_alone(tmp_path: Path) -> None:
    long = json.dumps({"id": "b", "title": "x" * 1_100_000})
    feed = written(
        tmp_path, "feed.jsonl", f'{{"id": "a", "title": "a"}}\n{long}\n{{"id": "c", "title": "c"}}\n'
    )

    products, rejects = read(feed)

    assert [product.id for product in products] == ["a", "c"]
    assert rejects == [(2, None, "too_long")]


def test_a_quote_that_never_ends_costs_its_row_and_is_told(tmp_path: Path) -> None:
    rows = "".join(f"p{n},name\n" for n in range(3))
    feed = written(tmp_path, "feed.csv", f'id,title\n{rows}bad,"never ends\n' + ("x" * 999 + "\n") * 1_100)

    products, rejects = read(feed)

    assert [product.id for product in products] == ["p0", "p1", "p2"]
    assert rejects[0] == (5, None, "broken_row")


def test_deep_and_huge_json_is_refused(tmp_path: Path) -> None:
    deep = '{"id": ' + "[" * 100_000 + "]" * 100_000 + "}"
    feed = written(tmp_path, "feed.jsonl", deep + '\n{"id": "a", "title": "a", "n": ' + "9" * 5000 + "}\n")

    assert [code for _, _, code in read(feed)[1]] == ["broken_row", "broken_row"]


def test_a_table_without_ids_names_the_columns_it_has(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFeed, match="no id column; its columns are: title, image"):
        open_feed(written(tmp_path, "feed.csv", "title,image\na,b\n"))


@pytest.mark.parametrize("name", ["missing.csv", "pipe.csv"])
def test_what_is_no_file_is_no_feed(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe.csv")

    with pytest.raises(UnreadableFeed):
        open_feed(tmp_path / name)


def test_a_limit_reads_only_so_many_rows(tmp_path: Path) -> None:
    feed = written(tmp_path, "feed.jsonl", "".join(f'{{"id": {n}, "title": "t"}}\n' for n in range(9)))

    assert len(list(open_feed(feed).rows(4))) == 4
