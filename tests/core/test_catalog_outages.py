"""A PostgreSQL server that goes away and comes back: told by name meanwhile, and nothing to do afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import IntegrityError

from core.catalog import CatalogStore, database, patience
from core.catalog.dialect import insert_many
from core.catalog.schema import PICTURE
from core.database_errors import DatabaseUnreachable
from core.errors import DataFolderProblem
from core.language import Language
from core.types import Query
from search import live, serving
from search.engine import SearchEngine
from tests.color_encoder import ColorEncoder
from tests.shops import Shop, coloured_shop

SHOE = Query(text="red shoe", limit=3, facets=("color",))


@pytest.fixture
def server(postgres: str) -> Iterator[Connection]:
    """A connection beside a database of this test's own."""
    engine = create_engine(postgres.replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS outage WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE outage"))
        yield connection
    engine.dispose()


@pytest.fixture
def shop(
    server: Connection,
    postgres: str,
    tmp_path: Path,
    language: Language,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:
    for module in (live, serving):
        monkeypatch.setattr(module, "CHECK_EVERY_SECONDS", 0.0)
    store = CatalogStore.open(make_url(postgres).set(database="outage").render_as_string(hide_password=False))
    yield coloured_shop(Shop(tmp_path, store, ColorEncoder(), language))
    store.close()


def cut_off(server: Connection) -> None:
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'outage'"
    server.execute(text(ending))


@contextmanager
def outage(server: Connection) -> Iterator[None]:
    server.execute(text("ALTER DATABASE outage ALLOW_CONNECTIONS false"))
    cut_off(server)
    yield
    server.execute(text("ALTER DATABASE outage ALLOW_CONNECTIONS true"))


def write_cut_off(shop: Shop, server: Connection) -> None:
    with shop.store._database.writing() as connection:
        connection.execute(text("DELETE FROM attribute"))
        cut_off(server)
        connection.execute(text("DELETE FROM document"))


def found(engine: SearchEngine) -> list[str]:
    return [hit.candidate.product.id for hit in engine.search(SHOE, "products").hits]


def test_searches_are_refused_by_name_while_the_server_is_gone_and_go_on_when_it_is_back(
    shop: Shop, server: Connection
) -> None:
    engine = shop.engine()
    before = found(engine)

    with outage(server):
        for _ in range(3):
            with pytest.raises(DatabaseUnreachable, match="outage") as refused:
                found(engine)

    assert isinstance(refused.value, DataFolderProblem)
    assert before == found(engine) == found(engine)
    assert before[0] == "red shoe"


def test_connections_that_are_cut_between_searches_are_not_noticed(shop: Shop, server: Connection) -> None:
    engine = shop.engine()
    before = found(engine)

    answers = []
    for _ in range(5):
        cut_off(server)
        answers.append(found(engine))

    assert answers == [before] * 5


def test_a_write_that_is_cut_off_leaves_nothing_and_the_next_one_is_stored(
    shop: Shop, server: Connection
) -> None:
    catalog = shop.store.catalog("products")
    before = catalog.revision()

    with pytest.raises(DatabaseUnreachable):
        write_cut_off(shop, server)

    assert catalog.revision() == before
    assert catalog.facets(catalog.changed_since(0), ["color"])["color"]["red"] == 2
    assert catalog.remove(["red shoe"]) == 1


def test_cut_off_searches_of_many_threads_are_right_or_refused_and_heal(
    shop: Shop, server: Connection
) -> None:
    engine = shop.engine()
    right, over = found(engine), threading.Event()
    answers: list[list[str]] = []

    def search() -> None:
        while not over.is_set():
            try:
                answers.append(found(engine))
            except DatabaseUnreachable:
                over.wait(0.01)

    with ThreadPoolExecutor(4) as threads:
        searching = [threads.submit(search) for _ in range(4)]
        for _ in range(10):
            cut_off(server)
            over.wait(0.05)
        over.set()

    # Whatever else was raised in a thread is raised here.
    assert [each.result() for each in searching] == [None] * 4
    assert all(answer == right for answer in answers)
    assert found(engine) == right


def test_whoever_finds_no_connection_free_is_refused_by_name(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "POOLED", 2)
    monkeypatch.setattr(database, "POOL_SECONDS", 0.1)
    narrow = database.Database.open(postgres)

    with narrow.reading(), narrow.reading(), pytest.raises(DatabaseUnreachable), narrow.reading():
        pass

    narrow.close()


def test_a_server_that_falls_silent_is_given_up_and_asked_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "READING_SECONDS", 0.2)
    database = shop.store._database

    with (
        pytest.raises(DatabaseUnreachable, match="has not answered"),
        database.reading() as asked,
    ):
        asked.execute(text("SELECT pg_sleep(60)"))

    assert found(shop.engine())[0] == "red shoe"


def test_whoever_writes_is_waited_for_longer(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "READING_SECONDS", 0.1)

    with shop.store._database.writing() as connection:
        connection.execute(text("SELECT pg_sleep(0.5)"))

    assert shop.store.catalog("products").remove(["red shoe"]) == 1


def test_a_writer_does_not_wait_for_ever_for_another(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog, address = shop.store.catalog("products"), shop.store._database._engine.url
    other = database.Database.open(address.render_as_string(hide_password=False))
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)

    with other.writing() as connection:
        connection.execute(text("UPDATE clock SET revision = revision"))
        with pytest.raises(DatabaseUnreachable, match="lock timeout"):
            catalog.remove(["red shoe"])
    other.close()

    assert catalog.remove(["red shoe"]) == 1


def test_rows_that_are_cut_off_while_they_are_copied_are_told_by_name_and_not_stored(
    shop: Shop, server: Connection
) -> None:
    picture = {"product_key": 1, "position": 77, "hash": "new"}

    def copied() -> None:
        with shop.store._database.writing() as connection:
            insert_many(connection, PICTURE, [picture])
            cut_off(server)
            insert_many(connection, PICTURE, [picture | {"position": 78}])

    with pytest.raises(DatabaseUnreachable, match="outage"):
        copied()

    with shop.store._database.reading() as connection:
        assert (
            connection.execute(text("SELECT count(*) FROM product_picture WHERE position > 70")).scalar() == 0
        )
    with pytest.raises(IntegrityError), shop.store._database.writing() as connection:
        insert_many(connection, PICTURE, [picture, picture])
