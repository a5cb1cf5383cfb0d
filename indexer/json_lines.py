"""JSON lines: one object a line; what is no object is refused with its line. A whole array of objects is read too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from core.errors import UnreadableFeed
from indexer.feed_text import FeedText, bounded_lines
from indexer.rows import RawRow, Reject, refused

MAX_ARRAY_BYTES = 100_000_000
"""An array is parsed as one; lines have no such bound."""


def read_json_lines(text: FeedText) -> Iterator[RawRow | Reject]:
    """The rows of a feed; empty lines count, but are no rows. An array's rows are numbered from 1."""
    if _is_array(text):
        yield from _read_array(text)
        return
    with text.open() as file:
        for number, line in enumerate(bounded_lines(file), 1):
            if line is None:
                yield refused(number, None, "too_long", "the line is longer than 1 MB")
            elif line.strip():
                yield _row(number, line)


def _is_array(text: FeedText) -> bool:
    """True where the file opens an array of objects, on one line or over many."""
    with text.open() as file:
        return re.match(r"\s*\[\s*(\{|$)", file.read(1_000)) is not None


def _read_array(text: FeedText) -> Iterator[RawRow | Reject]:
    if text.path.stat().st_size > MAX_ARRAY_BYTES:
        raise UnreadableFeed(str(text.path), "it is one large JSON array; write one object a line instead")
    with text.open() as file:
        try:
            entries = json.load(file)
        except (ValueError, RecursionError) as error:
            raise UnreadableFeed(str(text.path), f"it is not JSON ({str(error)[:120]})") from error
    for number, entry in enumerate(entries, 1):
        yield _checked(number, entry)


def _row(number: int, line: str) -> RawRow | Reject:
    try:
        # The standard reader takes NaN, which many exporters write: it costs a product only its price.
        columns = json.loads(line)
    except (ValueError, RecursionError) as error:
        return refused(number, None, "broken_row", f"the line is not JSON ({str(error)[:120]})")
    return _checked(number, columns)


def _checked(number: int, columns: object) -> RawRow | Reject:
    if not isinstance(columns, dict):
        return refused(number, None, "broken_row", 'the line is not a JSON object like {"id": …, "title": …}')
    return RawRow(number, columns)
