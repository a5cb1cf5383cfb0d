"""The lexical index in SQLite: one FTS5 table a catalog, without a copy of its content; alone knows FTS5."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from core.catalog.dialect import keys_in_text
from core.catalog.lexical import Occurrences, Posting

# The tokens come analysed, so the tokenizer must leave them whole: ascii keeps every character beyond ASCII,
# and these are all of ASCII's marks. Only white space divides.
_MARKS = string.punctuation.replace("'", "''")
_TOKENIZER = f"ascii tokenchars '{_MARKS}'".replace('"', '""')


@dataclass(frozen=True, slots=True)
class SqliteIndex:
    """A LexicalIndex; `name` is ours and never a user's, so it may stand in a statement."""

    connection: Connection
    name: str

    def create(self) -> None:
        # BM25 is worked out elsewhere, over sets: neither positions nor sizes need to be kept.
        options = f"content='', columnsize=0, detail=column, tokenize=\"{_TOKENIZER}\""
        self.connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE {self.name} USING fts5(strong, weak, {options})"
        )

    def drop(self) -> None:
        self.connection.exec_driver_sql(f"DROP TABLE IF EXISTS {self.name}")

    def add(self, postings: Sequence[Posting]) -> None:
        self._write(
            f"INSERT INTO {self.name} (rowid, strong, weak) VALUES (?, ?, ?)",  # noqa: S608
            postings,
        )

    def take_out(self, postings: Sequence[Posting]) -> None:
        # The index keeps no copy of its content, so it has to be told what it held.
        self._write(
            f"INSERT INTO {self.name} ({self.name}, rowid, strong, weak) VALUES ('delete', ?, ?, ?)",  # noqa: S608
            postings,
        )

    def occurrences(self, token: str) -> Occurrences:
        # Quoted, with its quotes doubled, any text is a plain string to FTS5 and no operator of its language.
        quoted = '"' + token.replace('"', '""') + '"'
        one = f"SELECT group_concat(rowid) FROM {self.name} WHERE {self.name} MATCH ?"  # noqa: S608
        both = self.connection.exec_driver_sql(
            f"SELECT ({one}), ({one})",
            (f"strong : {quoted}", f"weak : {quoted}"),
        ).one()
        return Occurrences(keys_in_text(both[0]), keys_in_text(both[1]))

    def _write(self, statement: str, postings: Sequence[Posting]) -> None:
        if postings:
            self.connection.exec_driver_sql(
                statement, [(each.key, each.strong, each.only_weak()) for each in postings]
            )
