"""What a feed is read into: products with the places of their pictures, and what had to be refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.catalog import Reject as Reject
from core.types import Product


@dataclass(frozen=True, slots=True)
class RawRow:
    """One entry as its format gives it, under the feed's own column names."""

    line: int
    columns: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One product of a feed, ready to be stored."""

    line: int
    product: Product
    links: tuple[str, ...] = ()
    """Where its pictures really are: as `product.pictures`, which is cleaned for people to read."""
    problems: tuple[Reject, ...] = ()
    """What was left out of it."""
    is_picture: bool = False
    """True where the picture is all there is: a file of a folder, whose title is only the file's name."""


def refused(line: int, product_id: str | None, code: str, reason: str) -> Reject:
    """A row that was refused; the line is the feed's, or the number of the entry or file; 1 is the first."""
    return Reject(code=code, reason=reason, line=line, product_id=product_id)


class RowError(Exception):
    """A row that can't become a product; the reader turns it into a Reject."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason
