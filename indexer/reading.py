"""A feed's row with its pictures read and hashed: enough to tell whether anything changed since last time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from core.errors import UnreadableImage
from core.images import probe
from core.picture_files import shown
from core.pictures import PictureStore, picture_hash
from core.types import Product
from indexer.rows import FeedRow, Reject
from indexer.sources import PictureSources, is_web_link


@dataclass(frozen=True, slots=True)
class ReadPicture:
    """One picture of a row: read and kept in the picture store, or refused."""

    link: str
    digest: str | None = None
    problem: UnreadableImage | None = None

    @property
    def mark(self) -> str:
        """What of the picture goes into the row's hash.

        The bytes count, not the name; a web link stands for its bytes, so that an unchanged row fetches none;
        a failure counts too, so that it is tried again when it may have been mended.
        """
        if self.problem is not None:
            return f"!{self.problem.code}:{self.digest}"
        return f"@{self.link}" if is_web_link(self.link) else str(self.digest)


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One product with its pictures."""

    row: FeedRow
    pictures: tuple[ReadPicture, ...]
    stored_hash: str | None
    """Of the row as the catalog has it; None for a new one."""
    unchanged: bool


class RowReader:
    """Reads the rows of one ingest; safe for many threads."""

    def __init__(self, sources: PictureSources, pictures: PictureStore, stamp: str) -> None:
        self._sources, self._pictures, self._stamp = sources, pictures, stamp

    def read(self, row: FeedRow, stored_hash: str | None) -> ReadRow:
        """The row with all its pictures, or without those on the web where nothing else changed."""
        here = {link: self._read(link) for link in row.links if not is_web_link(link)}
        assumed = [here.get(link) or ReadPicture(link) for link in row.links]
        if stored_hash is not None and self.row_hash(row.product, assumed) == stored_hash:
            return ReadRow(row, tuple(assumed), stored_hash, unchanged=True)
        pictures = tuple(here.get(link) or self._read(link) for link in row.links)
        return ReadRow(row, pictures, stored_hash, unchanged=False)

    def row_hash(self, product: Product, pictures: Sequence[ReadPicture]) -> str:
        """Of all that the stored row is made of; where it is the same, nothing has to be done.

        Where local pictures lie doesn't count: a renamed one changes what the product says, not what it is.
        """
        parts = [self._stamp, product, [picture.mark for picture in pictures]]
        packed = orjson.dumps(parts, default=dict, option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(packed, digest_size=16).hexdigest()

    def _read(self, link: str) -> ReadPicture:
        try:
            data = self._sources.read(link)
            digest = picture_hash(data)
        except UnreadableImage as problem:
            return ReadPicture(link, problem=problem)
        try:
            probe(data, source=label(link))
        except UnreadableImage as problem:
            return ReadPicture(link, digest, problem)
        self._pictures.put(data, digest=digest)
        return ReadPicture(link, digest)


def label(link: str) -> str:
    """The link as a person may read it: file names can be any bytes, and data URIs megabytes."""
    return shown(link if len(link) <= 300 else f"{link[:60]}…")


def picture_reject(row: FeedRow, picture: ReadPicture, problem: UnreadableImage) -> Reject:
    """A picture that was refused, while its product may go on without it."""
    return Reject(
        code=problem.code,
        reason=str(problem),
        source=label(picture.link),
        line=row.line,
        product_id=row.product.id,
    )
