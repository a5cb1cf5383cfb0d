"""CSV and TSV: rows under a header; the delimiter is the one under which the header makes most sense."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from core.errors import UnreadableFeed
from indexer.columns import field_of, known
from indexer.feed_text import MAX_LINE, FeedText, bounded_lines
from indexer.rows import RawRow, Reject, refused


def read_table(text: FeedText, *, delimiter: str) -> Iterator[RawRow | Reject]:
    """The rows of a table; `delimiter` is what its name promises. Raises UnreadableFeed without a header."""
    header, delimiter = read_header(text, delimiter)
    for number, row in _records(text, delimiter):
        if isinstance(row, Reject):
            yield row
        elif number > 1 and any(row):
            yield _row(number, header, row)


def read_header(text: FeedText, delimiter: str) -> tuple[list[str], str]:
    """The column names and the delimiter in use."""
    with text.open() as file:
        first = next(bounded_lines(file), None) or ""
    if not first.strip():
        raise UnreadableFeed(str(text.path), "it is empty")
    csv.field_size_limit(MAX_LINE)
    try:
        headers = [
            (next(csv.reader([first], delimiter=d)), d)
            for d in dict.fromkeys((delimiter, ",", "\t", ";", "|"))
        ]
    except csv.Error as error:
        raise UnreadableFeed(str(text.path), f"its header can't be read ({error})") from error
    header, found = max(headers, key=lambda option: sum(map(known, option[0])))
    if not any((field := field_of(name)) and field[0] == "id" for name in header):
        names = ", ".join(header)[:200]
        raise UnreadableFeed(str(text.path), f"it has no id column; its columns are: {names}")
    return header, found


def _records(text: FeedText, delimiter: str) -> Iterator[tuple[int, list[str] | Reject]]:
    """Every record with the line it begins on; a field may go over several lines."""
    with text.open() as file:
        lines = _Lines(bounded_lines(file))
        reader = csv.reader(lines, delimiter=delimiter)
        while True:
            number = lines.number + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, refused(number, None, "broken_row", f"the row can't be read ({error})")
            else:
                yield number, record
            for skipped in lines.take_skipped():
                yield skipped, refused(skipped, None, "too_long", "the line is longer than 1 MB")


class _Lines:
    """The lines that the CSV reader is fed with, counted."""

    def __init__(self, lines: Iterator[str | None]) -> None:
        self._lines = lines
        self._skipped: list[int] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.number += 1
            if line is not None:
                return line
            self._skipped.append(self.number)
        raise StopIteration

    def take_skipped(self) -> list[int]:
        taken, self._skipped = self._skipped, []
        return taken


def _row(number: int, header: Sequence[str], record: Sequence[str]) -> RawRow | Reject:
    """A short record lacks its last columns; a long one may have shifted ones and can't be trusted."""
    if any(field.strip() for field in record[len(header) :]):
        found = field_of(header[0])
        name = record[0].strip()[:200] if found and found[0] == "id" else None
        reason = f"it has {len(record)} fields, the header {len(header)}; put fields with commas in quotes"
        return refused(number, name, "ragged_row", reason)
    return RawRow(number, dict(zip(header, record, strict=False)))
