"""Whatever a feed holds, it is products, rejects with a reason, or one error with a name; and it is so soon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from bench.fuzz.feeds import ENTRIES, files_of, read_feed, read_sent
from core.errors import UnreadableFeed
from indexer.feeds import FeedFormat
from tests.indexer.reading_feeds import one, read

FEW = settings(
    max_examples=60, derandomize=True, database=None, deadline=None,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
LONG = 200_000
"""Of a pattern that looks at every character of it for every character of it, that would be an hour."""


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv", "shopify", "google-xml"])
def test_no_file_ends_reading_with_anything_but_the_error_for_feeds(form: FeedFormat) -> None:
    @FEW
    @given(files_of(form))
    def reads(data: bytes) -> None:
        try:
            read_feed(data, form=form)
        except UnreadableFeed:
            return

    reads()


@FEW
@given(ENTRIES)
@example([{"id": "1", "title": "a", "price": 10**400}])
@example([{"id": "1", "title": "\ud800"}])
def test_no_product_that_is_sent_breaks_reading(entries: list[dict[str, Any]]) -> None:
    read_sent(entries)


@pytest.mark.parametrize(
    "broken", [b"\x00\xd8a\x00", b"\x00\xdc", b"a", b"\x00\xd8"], ids=["half", "low half", "odd", "cut"]
)
def test_broken_utf_16_costs_a_row_and_not_the_feed(tmp_path: Path, broken: bytes) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_bytes("\ufeffid,title\n1,a cup\n2,".encode("utf-16-le") + broken)

    products, rejects = read(feed)

    assert [product.title for product in products] == ["a cup"]
    assert [code for _, _, code in rejects] == ["bad_encoding"]


def test_a_google_feed_in_gbk_is_read(tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_bytes(
        '<?xml version="1.0" encoding="GBK"?><rss><item><id>1</id><title>红色连衣裙</title></item></rss>'.encode(
            "gbk"
        )
    )

    assert one(feed).title == "红色连衣裙"


@pytest.mark.parametrize("encoding", ["nope", "big5", "rot13"])
def test_a_google_feed_in_an_encoding_that_is_not_read_is_refused_with_what_to_do(
    tmp_path: Path, encoding: str
) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_text(f'<?xml version="1.0" encoding="{encoding}"?><rss/>', "ascii")

    with pytest.raises(UnreadableFeed, match="save it as UTF-8"):
        read(feed)


def test_elements_that_nest_without_end_cost_no_memory(tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    # Each with a word in it: the names of all elements around each would be 5 GB.
    feed.write_text(f"<item><id>1</id><title>cup</title>{'<a>x' * 50_000}{'</a>' * 50_000}</item>", "ascii")

    product = one(feed)

    assert (product.id, product.title) == ("1", "cup")
    assert sum(map(len, product.attributes)) < 1_000


def test_one_long_name_around_many_elements_costs_an_entry(tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    inner = "".join(f"<b{number}>x</b{number}>" for number in range(20_000))
    feed.write_text(f"<item><id>1</id><{'a' * 60_000}>{inner}</{'a' * 60_000}></item>", "ascii")

    assert read(feed) == ([], [(1, None, "too_long")])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("category", f"a{' ' * LONG}b"),
        ("price", f"1{' ' * LONG}2"),
        ("price", "9" * LONG),
        (f"cut{' ' * LONG}x", "y"),
        ("(product.metafields." * (LONG // 20), "y"),
    ],
    ids=["category", "price", "digits", "header", "metafields"],
)
def test_long_values_are_read_in_no_time(tmp_path: Path, column: str, value: str) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text(json.dumps({"id": "1", "title": "cup", column: value}), "utf-8")

    products, _ = read(feed)

    assert [product.title for product in products] == ["cup"]


def test_a_header_with_a_very_long_name_is_read(tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text(f"id,title,{'x' * 200_000}\n1,cup,y\n", "ascii")

    assert one(feed).title == "cup"
