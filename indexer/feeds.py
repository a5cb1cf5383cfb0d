"""Feeds of every format behind one door: open one, and iterate over its products and rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from core.errors import UnreadableFeed
from indexer.feed_text import FeedText, detect
from indexer.folder import picture_files, read_folder
from indexer.google_xml import read_google_xml
from indexer.json_lines import read_json_lines
from indexer.parquet import read_parquet
from indexer.products import read_product
from indexer.rows import FeedRow, RawRow, Reject, refused
from indexer.shopify import grouped, is_shopify
from indexer.tables import read_header, read_table

FeedFormat = Literal["auto", "jsonl", "csv", "tsv", "google-xml", "shopify", "parquet", "folder"]
_BY_ENDING: dict[str, FeedFormat] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "tsv", ".tab": "tsv",
    ".txt": "tsv", ".xml": "google-xml", ".rss": "google-xml", ".atom": "google-xml", ".parquet": "parquet",
    ".pq": "parquet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed whose format is known."""

    source: str
    format: FeedFormat
    root: Path
    """Relative picture paths start here, and none may leave it."""
    total: int | None
    """About how many rows it has; for progress."""
    _read: Callable[[], Iterator[FeedRow | Reject]]

    def rows(self, limit: int | None = None) -> Iterator[FeedRow | Reject]:
        """The first `limit` products and rejects, in order; of two rows with one id the first counts."""
        return islice(_without_duplicates(self._read()), limit)


def open_feed(source: Path, *, form: FeedFormat = "auto", images: Path | None = None) -> Feed:
    """The feed at a path. Raises UnreadableFeed."""
    if not source.exists():
        raise UnreadableFeed(str(source), "there is no such file or folder")
    if images is not None and not images.is_dir():
        raise UnreadableFeed(str(source), f"the folder of pictures {images} does not exist")
    if source.is_dir() != (form == "folder" or (form == "auto" and source.is_dir())):
        raise UnreadableFeed(str(source), f"it is {'a folder' if source.is_dir() else 'no folder'}")
    if not source.is_dir() and not source.is_file():
        raise UnreadableFeed(str(source), "it is not a regular file")
    try:
        return _opened(source, _detected(source) if form == "auto" else form, images or _folder_of(source))
    except OSError as error:
        raise UnreadableFeed(str(source), error.strerror or str(error)) from error


def read_entries(entries: Sequence[Mapping[str, object]]) -> Iterator[FeedRow | Reject]:
    """Products that were sent one by one, as those of a feed are read; an entry's line is its number from 1."""
    return _without_duplicates(_products(RawRow(number, entry) for number, entry in enumerate(entries, 1)))


def _folder_of(source: Path) -> Path:
    return source if source.is_dir() else source.parent


def _detected(source: Path) -> FeedFormat:
    """By ending, else by the first bytes: names are chosen by people, but few choose a wrong one."""
    if source.is_dir():
        return "folder"
    if (form := _BY_ENDING.get(source.suffix.lower())) is not None:
        return form
    with source.open("rb") as file:
        head = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    marks: tuple[tuple[bytes, FeedFormat], ...] = (
        (b"{", "jsonl"),
        (b"<", "google-xml"),
        (b"PAR1", "parquet"),
    )
    return next((form for mark, form in marks if head.startswith(mark)), "csv")


def _opened(source: Path, form: FeedFormat, root: Path) -> Feed:
    match form:
        case "folder" | "auto":
            files = picture_files(source)
            return Feed(str(source), "folder", source, len(files), lambda: read_folder(source, files))
        case "parquet":
            return Feed(str(source), form, root, None, lambda: _products(read_parquet(source)))
        case "google-xml":
            return Feed(str(source), form, root, None, lambda: _products(read_google_xml(source)))
        case "jsonl":
            text = detect(source)
            return Feed(str(source), form, root, text.lines, lambda: _products(read_json_lines(text)))
        case "csv" | "tsv" | "shopify":
            return _opened_table(detect(source), form, root)


def _opened_table(text: FeedText, form: FeedFormat, root: Path) -> Feed:
    delimiter = "\t" if form == "tsv" else ","
    header, _ = read_header(text, delimiter)
    shopify = form == "shopify" or is_shopify(header)

    def read() -> Iterator[FeedRow | Reject]:
        rows = read_table(text, delimiter=delimiter)
        return _products(grouped(rows) if shopify else rows)

    return Feed(str(text.path), "shopify" if shopify else form, root, text.lines - 1, read)


def _products(rows: Iterator[RawRow] | Iterator[RawRow | Reject]) -> Iterator[FeedRow | Reject]:
    for row in rows:
        yield row if isinstance(row, Reject) else read_product(row)


def _without_duplicates(rows: Iterator[FeedRow | Reject]) -> Iterator[FeedRow | Reject]:
    # The hash alone is kept: a feed of millions of rows must not fill the memory with its ids.
    seen: set[int] = set()
    for row in rows:
        if isinstance(row, FeedRow):
            if (mark := hash(row.product.id)) in seen:
                reason = "a row with this id came before; the first one counts"
                yield refused(row.line, row.product.id, "duplicate_id", reason)
                continue
            seen.add(mark)
        yield row
