"""Here is a database: is it ours, whole, of which release, and may it be written to?"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Inspector, inspect, select, text

from core.catalog.schema import CATALOG, METADATA
from core.database_errors import ForeignDatabase, HalfMigratedDatabase, ReadOnlyDatabase, UnfitDatabase
from core.errors import NewerDatabase

VERSION_TABLE = "alembic_version"
SINCE = {"value_set": "0003", "number_set": "0003"}
"""Tables that came after the first release."""


def recognised(connection: Connection, place: str, known: Collection[str]) -> str | None:
    """The schema's version, None for an empty database; every other database is refused by name.

    NewerDatabase, ForeignDatabase, HalfMigratedDatabase. `known` are the versions, oldest first.
    """
    inspector = inspect(connection)
    tables = set(inspector.get_table_names())
    ours = tables & set(METADATA.tables)
    versions = _versions(connection) if VERSION_TABLE in tables else []
    if not versions:
        _refuse_taken(connection, place, tables)
        return None
    version, *others = versions
    missing = {name for name in METADATA.tables if SINCE.get(name, "") <= version} - tables
    if others or not ours or (version not in known and (missing or not _is_numbered(version))):
        raise ForeignDatabase(place, tables)
    if version not in known:
        raise NewerDatabase(place, version, max(known))
    if version == max(known):
        missing = missing or _missing_columns(inspector) or _missing_indexes(connection, tables)
    early = {name for name, since in SINCE.items() if since > version} & tables
    if missing or early:
        raise HalfMigratedDatabase(place, version, lacks=missing, has=early)
    return version


def refuse_unwritable(connection: Connection, place: str, *, migrated: bool) -> None:
    """UnfitDatabase where a PostgreSQL database can't take what an ingest writes; SQLite's files say so by themselves."""
    if connection.dialect.name == "sqlite":
        return
    encoding, read_only, schema, user = connection.execute(
        text(
            "SELECT current_setting('server_encoding'), current_setting('transaction_read_only'),"
            " current_schema(), current_user"
        )
    ).one()
    if encoding != "UTF8":
        raise UnfitDatabase(place, f"keeps text as {encoding}; make it anew with ENCODING 'UTF8'")
    if read_only == "on":
        reason = "it is a standby, or set to default_transaction_read_only; name the server that takes writes"
        raise ReadOnlyDatabase(place, reason)
    if schema is None:
        raise UnfitDatabase(place, f"has no schema for {user}; run CREATE SCHEMA public in it")
    asked = "has_table_privilege('clock', 'SELECT, UPDATE') AND has_table_privilege('product', 'INSERT')"
    if not migrated:
        asked = "has_schema_privilege(current_schema(), 'CREATE')"
    if not connection.execute(text(f"SELECT {asked}")).scalar():
        may = "write its tables" if migrated else f"make tables in schema {schema}"
        raise ReadOnlyDatabase(
            place, f"{user} may not {may}; make {user} its owner: ALTER DATABASE … OWNER TO {user}"
        )


def _versions(connection: Connection) -> list[str]:
    return list(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars())  # noqa: S608


def _is_numbered(version: str) -> bool:
    """Whether it is named as ours are; elsewhere most are random."""
    return len(version) == 4 and version.isdecimal()


def _refuse_taken(connection: Connection, place: str, tables: set[str]) -> None:
    """A file has one owner; a server's database may be shared for as long as no names meet."""
    in_the_way = tables & set(METADATA.tables)
    if connection.dialect.name == "sqlite":
        in_the_way = tables - {VERSION_TABLE}
    if in_the_way:
        raise ForeignDatabase(place, in_the_way)


def _missing_columns(inspector: Inspector) -> set[str]:
    found = inspector.get_multi_columns(filter_names=list(METADATA.tables))
    there = {(name, column["name"]) for (_, name), columns in found.items() for column in columns}
    return {
        f"{table.name}.{column.name}"
        for table in METADATA.tables.values()
        for column in table.columns
        if (table.name, column.name) not in there
    }


def _missing_indexes(connection: Connection, tables: set[str]) -> set[str]:
    """Each catalog has a lexical index in a table of its own."""
    return {f"lexical_{each}" for each in connection.execute(select(CATALOG.c.id)).scalars()} - tables
