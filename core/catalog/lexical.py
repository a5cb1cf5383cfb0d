"""The lexical channel's index: which products have a token; each database keeps it in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from core.catalog.dialect import storable
from core.language.terms import ProductTerms
from core.types import Keys

MAX_TOKEN_CHARACTERS = 200
"""More of a token is not indexed: PostgreSQL refuses a row whose token takes over 2,700 bytes."""
_CONTROLS = dict.fromkeys([*range(0x20), 0x7F], " ")


@dataclass(frozen=True, slots=True)
class Posting:
    """The tokens of one product as they are stored: sorted, parted by spaces."""

    key: int
    strong: str
    weak: str

    def tokens(self) -> set[str]:
        """All distinct tokens."""
        return {*self.strong.split(), *self.weak.split()}

    def only_weak(self) -> str:
        """The tokens that are weak and not strong as well: a token counts once, as what it is at best."""
        strong = set(self.strong.split())
        return " ".join(token for token in self.weak.split() if token not in strong)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The products that have a token, ascending; no product is in both."""

    strong: Keys
    weak: Keys


def posting(key: int, terms: ProductTerms) -> Posting:
    """The terms of a product as they are stored."""
    return Posting(key, _joined(terms.strong), _joined(terms.weak))


def opaque(token: str) -> str:
    """The token as it is indexed: not too long, and without what would divide it: white space and control characters."""
    if token.isalnum():  # Nearly all are, and need no look at each of their characters.
        return token[:MAX_TOKEN_CHARACTERS]
    return "_".join(storable(token).translate(_CONTROLS).split())[:MAX_TOKEN_CHARACTERS]


class LexicalIndex(Protocol):
    """The index of one catalog, within one transaction."""

    def create(self) -> None:
        """Makes an empty index for a new catalog."""

    def drop(self) -> None:
        """Forgets the index."""

    def add(self, postings: Sequence[Posting]) -> None:
        """Makes products findable that the index doesn't have."""

    def take_out(self, postings: Sequence[Posting]) -> None:
        """Takes products out; the postings must be those that were added."""

    def occurrences(self, token: str) -> Occurrences:
        """The products that have the token, which must be `opaque`."""


def index_of(connection: Connection, catalog_id: int) -> LexicalIndex:
    """The index of a catalog in the database at hand."""
    if connection.dialect.name == "sqlite":
        from core.catalog.lexical_sqlite import SqliteIndex

        return SqliteIndex(connection, f"lexical_{catalog_id}")
    from core.catalog.lexical_postgres import PostgresIndex

    return PostgresIndex(connection, f"lexical_{catalog_id}")


def _joined(tokens: Iterable[str]) -> str:
    return " ".join(sorted({whole for token in tokens if (whole := opaque(token))}))
