"""The lexical channel's index: which products have a token; alone knows SQLite's FTS5.

One FTS5 table a catalog, without a copy of its content. The seam for another database is what is public here.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from core.catalog.dialect import keys_in_text, storable
from core.language.terms import ProductTerms
from core.types import Keys

# The tokens come analysed, so the tokenizer must leave them whole: ascii keeps every character beyond ASCII,
# and these are all of ASCII's marks. Only white space divides.
_MARKS = string.punctuation.replace("'", "''")
_TOKENIZER = f"ascii tokenchars '{_MARKS}'".replace('"', '""')
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
    """The token as it is indexed: without white space and control characters, which would divide it."""
    if token.isalnum():  # Nearly all are, and need no look at each of their characters.
        return token
    return "_".join(storable(token).translate(_CONTROLS).split())


def create(connection: Connection, catalog_id: int) -> None:
    """An empty index for a new catalog."""
    # BM25 is worked out elsewhere, over sets: neither positions nor sizes need to be kept.
    options = f"content='', columnsize=0, detail=column, tokenize=\"{_TOKENIZER}\""
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE {_name(catalog_id)} USING fts5(strong, weak, {options})"
    )


def drop(connection: Connection, catalog_id: int) -> None:
    """Forgets a catalog's index."""
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_name(catalog_id)}")


def add(connection: Connection, catalog_id: int, postings: Sequence[Posting]) -> None:
    """Makes products findable that the index doesn't have."""
    if postings:
        connection.exec_driver_sql(
            f"INSERT INTO {_name(catalog_id)} (rowid, strong, weak) VALUES (?, ?, ?)",  # noqa: S608
            [(each.key, each.strong, each.only_weak()) for each in postings],
        )


def take_out(connection: Connection, catalog_id: int, postings: Sequence[Posting]) -> None:
    """Takes products out; the postings must be those that were added, for the index keeps no copy of them."""
    name = _name(catalog_id)
    if postings:
        connection.exec_driver_sql(
            f"INSERT INTO {name} ({name}, rowid, strong, weak) VALUES ('delete', ?, ?, ?)",  # noqa: S608
            [(each.key, each.strong, each.only_weak()) for each in postings],
        )


def occurrences(connection: Connection, catalog_id: int, token: str) -> Occurrences:
    """The products that have the token."""
    name = _name(catalog_id)
    # Quoted, with its quotes doubled, any text is a plain string to FTS5 and no operator of its language.
    quoted = '"' + token.replace('"', '""') + '"'
    one = f"SELECT group_concat(rowid) FROM {name} WHERE {name} MATCH ?"  # noqa: S608
    both = connection.exec_driver_sql(
        f"SELECT ({one}), ({one})",
        (f"strong : {quoted}", f"weak : {quoted}"),
    ).one()
    return Occurrences(keys_in_text(both[0]), keys_in_text(both[1]))


def _name(catalog_id: int) -> str:
    return f"lexical_{int(catalog_id)}"


def _joined(tokens: Iterable[str]) -> str:
    return " ".join(sorted({whole for token in tokens if (whole := opaque(token))}))
