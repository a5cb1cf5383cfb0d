"""PostgreSQL databases that can't be written to, each refused with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from core.catalog import CatalogStore
from core.database_errors import DatabaseUnreachable, ForeignDatabase, ReadOnlyDatabase, UnfitDatabase


@pytest.fixture
def server(postgres: str) -> Iterator[Connection]:
    """A connection beside an empty database of these tests' own, and a user who owns nothing in it."""
    engine = create_engine(postgres.replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in (
            "DROP DATABASE IF EXISTS fitting WITH (FORCE)",
            "DROP ROLE IF EXISTS visitor",
            "CREATE DATABASE fitting",
            "CREATE ROLE visitor LOGIN",
        ):
            connection.execute(text(statement))
        yield connection
        connection.execute(text("DROP DATABASE fitting WITH (FORCE)"))
        connection.execute(text("DROP ROLE visitor"))
    engine.dispose()


def address(postgres: str, user: str | None = None, database: str = "fitting") -> str:
    named = make_url(postgres).set(database=database)
    return (named.set(username=user) if user else named).render_as_string(hide_password=False)


def within(postgres: str, *statements: str) -> None:
    engine = create_engine(address(postgres).replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_a_user_who_may_make_no_tables_is_told_what_to_grant(server: Connection, postgres: str) -> None:
    with pytest.raises(
        ReadOnlyDatabase, match=r"visitor may not make tables in schema public.*OWNER TO visitor"
    ):
        CatalogStore.open(address(postgres, "visitor"))


def test_a_user_who_may_only_read_is_refused(server: Connection, postgres: str) -> None:
    CatalogStore.open(address(postgres)).close()
    within(postgres, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO visitor")

    with pytest.raises(ReadOnlyDatabase, match="visitor may not write its tables"):
        CatalogStore.open(address(postgres, "visitor"))


def test_a_user_who_may_write_but_make_no_tables_is_told_so_at_the_first_new_catalog(
    server: Connection, postgres: str
) -> None:
    CatalogStore.open(address(postgres)).close()
    grants = [f"GRANT ALL ON ALL {each} IN SCHEMA public TO visitor" for each in ("TABLES", "SEQUENCES")]
    within(postgres, *grants)

    store = CatalogStore.open(address(postgres, "visitor"))
    with pytest.raises(ReadOnlyDatabase, match="permission denied for schema public"):
        store.create("shop", index_fields=("title",))
    assert store.names() == []
    store.close()


@pytest.mark.parametrize("migrated", [True, False])
def test_a_database_that_takes_no_writes_is_refused(
    server: Connection, postgres: str, *, migrated: bool
) -> None:
    if migrated:
        CatalogStore.open(address(postgres)).close()
    server.execute(text("ALTER DATABASE fitting SET default_transaction_read_only = on"))

    with pytest.raises(ReadOnlyDatabase, match="standby, or set to default_transaction_read_only"):
        CatalogStore.open(address(postgres))


def test_a_database_that_can_not_keep_chinese_is_refused(server: Connection, postgres: str) -> None:
    server.execute(text("DROP DATABASE fitting"))
    server.execute(text("CREATE DATABASE fitting TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"))

    with pytest.raises(UnfitDatabase, match=r"LATIN1.*ENCODING 'UTF8'"):
        CatalogStore.open(address(postgres))


def test_tables_of_others_may_stand_beside_ours_on_a_server(server: Connection, postgres: str) -> None:
    within(postgres, "CREATE TABLE invoice (id integer)")

    CatalogStore.open(address(postgres)).close()
    within(postgres, "DROP TABLE alembic_version")
    with pytest.raises(ForeignDatabase):
        CatalogStore.open(address(postgres))


def test_a_database_that_is_not_there_is_named(server: Connection, postgres: str) -> None:
    with pytest.raises(DatabaseUnreachable, match='"nowhere" does not exist'):
        CatalogStore.open(address(postgres, database="nowhere"))
