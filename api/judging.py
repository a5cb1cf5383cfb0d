"""From what is sent to what the judge is asked: words and pictures of a query and of documents, within limits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from api.judge_schemas import Item, PartsBody
from api.queries import bytes_of
from api.uploads import Uploads
from core.errors import ForgottenPicture, InvalidDocument, InvalidQuery, UnreadableImage
from core.images import decode, probe
from core.pictures import picture_hash
from core.types import Pixels
from rerank.judgement import Asked, Document, Picture
from search.second_stage import JUDGED_SIDE

MAX_DOCUMENTS = 2_000
MAX_DOCUMENT_CHARACTERS = 100_000
MAX_QUESTION_CHARACTERS = 10_000
MAX_PIXELS = 8_000_000
"""Of a decoded picture: strips, many times longer than wide, are shrunk further than others to have no more."""

_ADDRESS = re.compile(r"\s*(?!data:|upload:)[a-z][a-z0-9+.-]{0,30}:", re.IGNORECASE)
_SEPARATOR = re.compile(r"^---[ \t]*$", re.MULTILINE)


def split_documents(text: str) -> list[str]:
    """The documents of a text that separates them by lines of `---` alone; blank ones are dropped."""
    parts = _SEPARATOR.split(text.replace("\r\n", "\n"))
    return [part.strip("\n") for part in parts if part.strip()]


def asked_of(query: Item, instruction: str, uploads: Uploads) -> Asked:
    """The question; InvalidQuery, InvalidDocument and UnreadableImage say what doesn't fit."""
    parts = parts_of(query)
    return question(parts.text, sent_picture(parts.image, "query", uploads), instruction)


def question(text: str, picture: Picture | None, instruction: str) -> Asked:
    """The question in words, a picture, or both; InvalidQuery, UnreadableImage."""
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise InvalidQuery(_too_long("the query", text, MAX_QUESTION_CHARACTERS))
    if picture is None and not text.strip():
        raise InvalidQuery("the query has neither words nor a picture")
    # Decoded at once: it is looked at with every batch, and where it can't be read there is nothing to judge by.
    return Asked(text, None if picture is None else _decoded(picture), instruction)


def documents_of(items: Sequence[Item], uploads: Uploads) -> list[Document]:
    """The documents, each named by its index in refusals; a picture that can't be read fails when it is judged."""
    if not items:
        raise InvalidDocument("documents", "there is none")
    if len(items) > MAX_DOCUMENTS:
        reason = f"at most {MAX_DOCUMENTS:,} are judged at once, not {len(items):,}; send them in parts"
        raise InvalidDocument("documents", reason)
    return [document_of(item, f"documents.{index}", uploads) for index, item in enumerate(items)]


def document_of(item: Item, where: str, uploads: Uploads) -> Document:
    """One document; InvalidDocument, naming `where`, for what no judge should be shown."""
    parts = parts_of(item)
    if len(parts.text) > MAX_DOCUMENT_CHARACTERS:
        raise InvalidDocument(where, _too_long("its text", parts.text, MAX_DOCUMENT_CHARACTERS))
    return Document(parts.text, sent_picture(parts.image, where, uploads))


def parts_of(item: Item) -> PartsBody:
    """The item as words and picture, whichever form it came in."""
    return PartsBody(text=item) if isinstance(item, str) else item


def sent_picture(source: str | None, where: str, uploads: Uploads) -> Picture | None:
    """The picture of a data URI, of plain base64, or of `upload:<id>`; InvalidDocument for an address."""
    if not source:
        return None
    if _ADDRESS.match(source):
        reason = "the server fetches no addresses; send the picture itself, as a data URI or base64"
        raise InvalidDocument(f"{where}.image", reason)
    try:
        return file_picture(bytes_of(source, uploads, name=where), f"the picture of {where}")
    except (UnreadableImage, ForgottenPicture) as error:
        reason = error.reason if isinstance(error, UnreadableImage) else str(error)
        return Picture(
            picture_hash(source.encode()), _failing(UnreadableImage(f"the picture of {where}", reason))
        )


def file_picture(data: bytes, name: str) -> Picture:
    """The picture in a file's bytes, named so where it can't be read."""
    return Picture(picture_hash(data), lambda: _pixels(data, name))


def _pixels(data: bytes, name: str) -> Pixels:
    # As large as in searches: what a judge has seen of a picture may be kept under the picture's hash.
    header = probe(data, source=name)
    factor = math.ceil(math.sqrt(header.width * header.height / MAX_PIXELS))
    shorter = min(header.width, header.height) // factor
    return decode(data, source=name, at_least=max(1, min(JUDGED_SIDE, shorter)))


def _too_long(what: str, text: str, limit: int) -> str:
    return f"{what} has {len(text):,} characters; at most {limit:,} are taken"


def _decoded(picture: Picture) -> Picture:
    pixels = picture.load()
    return Picture(picture.hash, lambda: pixels)


def _failing(error: UnreadableImage) -> Callable[[], Pixels]:
    def load() -> Pixels:
        raise error

    return load
