"""The lexical channel: BM25 over tokens that the language package made; alone knows SQLite's FTS5.

One FTS5 table a catalog, without a copy of its content. The seam for another database is these five
functions: create, drop, add, take_out, best.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from core.catalog.dialect import storable
from core.language.terms import ProductTerms
from core.types import Keys

STRONG_WEIGHT, WEAK_WEIGHT = 2.0, 1.0
BUDGET = 30_000
"""Rows that one search may weigh, unless its rarest token alone has more."""

# The tokens come analysed, so the tokenizer must leave them whole: ascii keeps every character beyond ASCII,
# and these are all of ASCII's marks. Only white space divides.
_MARKS = string.punctuation.replace("'", "''")
_TOKENIZER = f"ascii tokenchars '{_MARKS}'".replace('"', '""')

_CONTROLS = dict.fromkeys([*range(0x20), 0x7F], " ")


@dataclass(frozen=True, slots=True)
class Posting:
    """The tokens of one product, as they stand in the index."""

    key: int
    strong: str
    weak: str

    def tokens(self) -> set[str]:
        """All distinct tokens."""
        return {*self.strong.split(), *self.weak.split()}


def posting(key: int, terms: ProductTerms) -> Posting:
    """The terms of a product in the form that is indexed and stored."""
    return Posting(key, joined(terms.strong), joined(terms.weak))


def joined(tokens: Iterable[str]) -> str:
    """Tokens in one string, sorted, so that equal sets are equal strings."""
    return " ".join(sorted({whole for token in tokens if (whole := opaque(token))}))


def opaque(token: str) -> str:
    """The token as it is indexed: without white space and control characters, which would divide it."""
    return "_".join(storable(token).translate(_CONTROLS).split())


def create(connection: Connection, catalog_id: int) -> None:
    """An empty index for a new catalog."""
    table = f"fts5(strong, weak, content='', tokenize=\"{_TOKENIZER}\")"
    connection.exec_driver_sql(f"CREATE VIRTUAL TABLE {_name(catalog_id)} USING {table}")


def drop(connection: Connection, catalog_id: int) -> None:
    """Forgets a catalog's index."""
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_name(catalog_id)}")


def add(connection: Connection, catalog_id: int, postings: Sequence[Posting]) -> None:
    """Makes products findable that the index doesn't have."""
    if postings:
        connection.exec_driver_sql(
            f"INSERT INTO {_name(catalog_id)} (rowid, strong, weak) VALUES (?, ?, ?)",
            [(each.key, each.strong, each.weak) for each in postings],
        )


def take_out(connection: Connection, catalog_id: int, postings: Sequence[Posting]) -> None:
    """Takes products out; the postings must be those that were added, for the index keeps no copy of them."""
    name = _name(catalog_id)
    if postings:
        connection.exec_driver_sql(
            f"INSERT INTO {name} ({name}, rowid, strong, weak) VALUES ('delete', ?, ?, ?)",
            [(each.key, each.strong, each.weak) for each in postings],
        )


def best(
    connection: Connection,
    catalog_id: int,
    frequencies: Mapping[str, int],
    limit: int,
    among: Keys | None = None,
) -> list[tuple[int, float]]:
    """The best products by BM25, equal ones by key; `frequencies` has the tokens and how many have each."""
    tokens = affordable(frequencies)
    if not tokens or limit < 1 or (among is not None and not len(among)):
        return []
    return _ranked(connection, _name(catalog_id), _any_of(tokens), limit, among)


def affordable(frequencies: Mapping[str, int]) -> list[str]:
    """The rarest tokens whose products together stay within the budget, always at least one.

    The rarest words say most about what is wanted and cost least, so common ones are left out first:
    where `wool` finds 900 products and `black` 80,000, weighing the 80,000 would only add black things.
    """
    chosen: list[str] = []
    spent = 0
    for token, products in sorted(frequencies.items(), key=lambda each: (each[1], each[0])):
        if products and chosen and spent + products > BUDGET:
            break
        if products:
            chosen.append(token)
            spent += products
    return chosen


def _name(catalog_id: int) -> str:
    return f"lexical_{int(catalog_id)}"


def _any_of(tokens: Collection[str]) -> str:
    # Quoted, with its quotes doubled, any text is a plain string to FTS5 and no operator of its language.
    return " OR ".join('"' + token.replace('"', '""') + '"' for token in tokens)


def _ranked(
    connection: Connection, name: str, match: str, limit: int, among: Keys | None
) -> list[tuple[int, float]]:
    rows = connection.exec_driver_sql(
        f"SELECT rowid, -bm25({name}, {STRONG_WEIGHT}, {WEAK_WEIGHT}) AS relevance FROM {name}"
        f" WHERE {name} MATCH ? ORDER BY relevance DESC, rowid LIMIT ?",
        (match, limit if among is None else -1),
    ).all()
    if among is None:
        return [(row[0], row[1]) for row in rows]
    kept = np.isin(np.array([row[0] for row in rows], dtype=np.int64), among)
    return [(row[0], row[1]) for row, keep in zip(rows, kept.tolist(), strict=True) if keep][:limit]
