"""The text of a feed: which encoding it is in, and its lines with a bound on their length."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

MAX_LINE = 1 << 20
MAX_LINE_WITH_PICTURES = 56 << 20
"""Characters of a line that holds pictures as data URIs."""
_BROKEN = "lychee.broken"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class FeedText:
    """A text file whose encoding is known."""

    path: Path
    encoding: str
    lines: int
    """How many lines it has: what progress is measured by."""

    def open(self) -> TextIO:
        """Bytes that don't fit the encoding come through as lone surrogates: one row is refused, not all."""
        return self.path.open(encoding=self.encoding, errors=_BROKEN, newline="")


def detect(path: Path) -> FeedText:
    """UTF-8 (with or without BOM), UTF-16 with BOM, else GB18030 where most lines are no UTF-8.

    The vote is by line: one broken line must not turn a whole Chinese feed into another encoding's noise.
    """
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None)
        lines = good = bad = 0
        while line := file.readline(MAX_LINE):
            lines += 1
            if not line.isascii():
                good, bad = (good + 1, bad) if _is_utf8(line) else (good, bad + 1)
    return FeedText(path, encoding or ("utf-8" if good >= bad else "gb18030"), lines)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def bounded_lines(file: TextIO) -> Iterator[str | None]:
    """Every line of the file; None in the place of one that is too long to be a row."""
    while line := file.readline(MAX_LINE_WITH_PICTURES):
        whole = len(line) < MAX_LINE_WITH_PICTURES or line.endswith("\n")
        while not whole:
            rest = file.readline(MAX_LINE)
            whole = len(rest) < MAX_LINE or rest.endswith("\n")
            line = ""
        too_long = len(line) > MAX_LINE and "data:image" not in line
        yield None if too_long or not line else line


def _as_half_character(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


# The standard "surrogateescape" does the same for bytes from 128 on alone: of broken UTF-16 it raises.
codecs.register_error(_BROKEN, _as_half_character)
