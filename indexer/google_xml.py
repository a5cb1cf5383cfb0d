"""Google's product feed as RSS or Atom; expat is known here alone, and a document type is refused."""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from core.errors import UnreadableFeed
from indexer.feed_text import MAX_LINE
from indexer.rows import RawRow, Reject, refused

_ENTRIES = {"item", "entry"}
_CHUNK = 1 << 16
_DEPTH = 16
"""Of elements in an entry; what lies deeper means nothing to us."""
_CHINESE = re.compile(rb"<\?xml[^>]{0,80}encoding=[\"'](?:gbk|gb2312|gb18030)[\"']", re.IGNORECASE)


def read_google_xml(path: Path) -> Iterator[RawRow | Reject]:
    """The entries of a feed, in order; each row's line is where its entry begins."""
    entries = _Entries()
    try:
        with path.open("rb") as file:
            for chunk in _chunks(file):
                entries.parser.Parse(chunk, False)
                yield from entries.take()
            entries.parser.Parse(b"", True)
    except expat.ExpatError as error:
        yield from entries.take()
        raise UnreadableFeed(str(path), f"its XML is broken ({error})") from error
    except (LookupError, ValueError) as error:
        raise UnreadableFeed(str(path), f"its encoding is not read ({error}); save it as UTF-8") from error
    yield from entries.take()


def _chunks(file: BinaryIO) -> Iterator[bytes | str]:
    """The file in pieces; as text where its encoding is a Chinese one, which expat doesn't know."""
    head = file.read(_CHUNK)
    if _CHINESE.match(head.removeprefix(codecs.BOM_UTF8).lstrip()) is None:
        decode = None
    else:
        decode = codecs.getincrementaldecoder("gb18030")("replace").decode
    while head:
        yield head if decode is None else decode(head)
        head = file.read(_CHUNK)


class _Entries:
    """Collects the leaf elements of every item; entities could expand without end, so none are taken."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.buffer_text = True
        self._rows: deque[RawRow | Reject] = deque()
        self._columns: dict[str, list[str]] | None = None
        self._line = self._size = 0
        self._path: list[str] = []
        self._parts: list[str] = []

    def take(self) -> Iterator[RawRow | Reject]:
        while self._rows:
            yield self._rows.popleft()

    def _doctype(self, *_: object) -> None:
        raise UnreadableFeed("XML", "it has a document type (DOCTYPE), which product feeds don't need")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2].lower()
        if self._columns is None and local in _ENTRIES:
            self._columns, self._path = {}, []
            self._line, self._size = self.parser.CurrentLineNumber, 0
        elif self._columns is not None:
            self._path.append(local)
            self._parts = []
            if local == "link" and "href" in attributes:
                self._size += len(attributes["href"])
                self._columns.setdefault("link", []).append(attributes["href"])

    def _text(self, text: str) -> None:
        self._size += len(text)
        if self._path and len(self._path) <= _DEPTH and self._size <= MAX_LINE:
            self._parts.append(text)

    def _end(self, name: str) -> None:
        if self._columns is None:
            return
        if self._path:
            text = "".join(self._parts).strip()
            if text and self._size <= MAX_LINE:
                name = "_".join(self._path)
                self._size += len(name)  # few long names around many short ones would fill the memory
                self._columns.setdefault(name, []).append(text)
            self._path.pop()
            self._parts = []
            return
        self._finish(self._columns)
        self._columns = None

    def _finish(self, columns: dict[str, list[str]]) -> None:
        if self._size > MAX_LINE:
            self._rows.append(refused(self._line, None, "too_long", "the entry is longer than 1 MB"))
        else:
            flat = {name: values[0] if len(values) == 1 else values for name, values in columns.items()}
            self._rows.append(RawRow(self._line, flat))
