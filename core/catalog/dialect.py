"""Where SQLite and PostgreSQL speak differently: sets of values, and inserts that may meet a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    bindparam,
    collate,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from core.types import Keys


def one_of_keys(connection: Connection, keys: Keys | Collection[int]) -> Select[Any]:
    """The keys as a one-column select, to stand behind IN; sets of any size go through as one value."""
    packed = packed_keys(connection, keys)
    if isinstance(packed, str):
        # One JSON text instead of a temporary table: nothing to clean up, and nothing for readers to lock.
        return _select_json(packed)
    return select(func.unnest(bindparam(None, packed, ARRAY(BigInteger))).column_valued("value"))


def named_keys(dialect: str) -> Select[Any]:
    """The keys that come as the parameter `keys`, for a statement that is made once; see packed_keys."""
    if dialect == "sqlite":
        return select(func.json_each(bindparam("keys")).table_valued("value").c.value)
    return select(func.unnest(bindparam("keys", type_=ARRAY(BigInteger))).column_valued("value"))


def packed_keys(connection: Connection, keys: Keys | Collection[int]) -> str | list[int]:
    """The keys in the form that the parameter of named_keys takes."""
    numbers = np.asarray(keys if isinstance(keys, np.ndarray) else list(keys), dtype=np.int64)
    if _is_sqlite(connection):
        return orjson.dumps(np.ascontiguousarray(numbers), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    plain: list[int] = numbers.tolist()
    return plain


def one_of_texts(connection: Connection, texts: Iterable[str]) -> Select[Any]:
    """The texts as a one-column select, to stand behind IN."""
    values = [storable(text) for text in texts]
    if _is_sqlite(connection):
        return _select_json(orjson.dumps(values).decode())
    return select(func.unnest(bindparam(None, values, ARRAY(Text))).column_valued("value"))


def bytewise(connection: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    """The column, compared as SQLite does it whatever language a PostgreSQL database was made for."""
    return column if _is_sqlite(connection) else collate(column, "C")


def keys_of(connection: Connection, wanted: Select[Any]) -> Keys:
    """All keys of a one-column select, ascending; made for hundreds of thousands."""
    if not _is_sqlite(connection):
        return np.sort(np.fromiter(connection.execute(wanted).scalars(), dtype=np.int64))
    # One text of numbers crosses into Python an order of magnitude faster than as many rows.
    column = wanted.subquery().columns[0]
    return np.sort(keys_in_text(connection.execute(select(func.group_concat(column))).scalar()))


def keys_in_text(numbers: str | None) -> Keys:
    """The keys of a text such as `3,5,8`."""
    return np.fromstring(numbers or "", dtype=np.int64, sep=",")


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, as both databases do, each in its own class."""
    return sqlite.insert(table) if _is_sqlite(connection) else postgresql.insert(table)


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Inserts rows of the same columns, none of which may be there: on PostgreSQL by COPY, several times as fast."""
    if not rows:
        return
    if _is_sqlite(connection):
        connection.execute(table.insert(), rows)
        return
    columns = ", ".join(f'"{name}"' for name in rows[0])
    statement = f"COPY {table.name} ({columns}) FROM STDIN"
    # SQLAlchemy knows no COPY, so its errors are told as those of other statements here.
    library: Any = connection.dialect.loaded_dbapi
    raw: Any = connection.connection.cursor()
    try:
        with raw as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(tuple(row.values()))
    except library.Error as error:
        raise DBAPIError.instance(
            statement, None, error, library.Error, dialect=connection.dialect
        ) from error


def storable(text: str) -> str:
    """The text without what a database refuses: lone surrogates and NUL."""
    # Nearly every text is fine, and this is the cheapest way to see it.
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _select_json(packed: str) -> Select[Any]:
    return select(func.json_each(packed).table_valued("value").c.value)


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
