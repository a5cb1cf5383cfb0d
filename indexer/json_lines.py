"""JSON lines: one object a line; what is no object is refused with its line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from indexer.feed_text import FeedText, bounded_lines
from indexer.rows import RawRow, Reject, refused


def read_json_lines(text: FeedText) -> Iterator[RawRow | Reject]:
    """The rows of a feed; empty lines count, but are no rows."""
    with text.open() as file:
        for number, line in enumerate(bounded_lines(file), 1):
            if line is None:
                yield refused(number, None, "too_long", "the line is longer than 1 MB")
            elif line.strip():
                yield _row(number, line)


def _row(number: int, line: str) -> RawRow | Reject:
    try:
        # The standard reader takes NaN, which many exporters write: it costs a product only its price.
        columns = json.loads(line)
    except (ValueError, RecursionError) as error:
        return refused(number, None, "broken_row", f"the line is not JSON ({str(error)[:120]})")
    if not isinstance(columns, dict):
        return refused(number, None, "broken_row", 'the line is not a JSON object like {"id": …, "title": …}')
    return RawRow(number, columns)
