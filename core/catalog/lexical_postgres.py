"""The lexical index in PostgreSQL: one table of token arrays a catalog, under inverted indexes (GIN)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from core.catalog.lexical import Occurrences, Posting
from core.types import Keys


@dataclass(frozen=True, slots=True)
class PostgresIndex:
    """A LexicalIndex; `name` is ours and never a user's, so it may stand in a statement."""

    connection: Connection
    name: str

    def create(self) -> None:
        self.connection.exec_driver_sql(
            f"CREATE TABLE {self.name} (key bigint PRIMARY KEY, strong text[], weak text[])"
        )
        for column in ("strong", "weak"):
            # What is written goes into the index at once. In a list beside it, as is usual, it would have to be walked
            # by every search until a vacuum; with 20,000 products the planner then reads the whole table instead.
            self.connection.exec_driver_sql(
                f"CREATE INDEX ON {self.name} USING gin ({column}) WITH (fastupdate = off)"
            )

    def drop(self) -> None:
        self.connection.exec_driver_sql(f"DROP TABLE IF EXISTS {self.name}")

    def add(self, postings: Sequence[Posting]) -> None:
        if postings:
            self.connection.exec_driver_sql(
                f"INSERT INTO {self.name} VALUES (%s, %s, %s)",  # noqa: S608
                [(each.key, each.strong.split(), each.only_weak().split()) for each in postings],
            )

    def take_out(self, postings: Sequence[Posting]) -> None:
        self.connection.exec_driver_sql(
            f"DELETE FROM {self.name} WHERE key = ANY(%s)",  # noqa: S608
            ([each.key for each in postings],),
        )

    def occurrences(self, token: str) -> Occurrences:
        return Occurrences(self._having("strong", token), self._having("weak", token))

    def _having(self, column: str, token: str) -> Keys:
        found = self.connection.exec_driver_sql(
            f"SELECT key FROM {self.name} WHERE {column} @> %s::text[]",  # noqa: S608
            ([token],),
        )
        return np.fromiter(found.scalars(), dtype=np.int64)
