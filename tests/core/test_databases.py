"""Databases that are not fit to keep a catalog are refused by name, with what to do; migrations are all or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from core.catalog import CatalogStore
from core.database_errors import ForeignDatabase, HalfMigratedDatabase
from core.errors import DataFolderProblem, NewerDatabase
from core.filters import parse_filter
from tests.core.test_migrations import DRIVERS, made_by_the_first_release


def run(url: str, *statements: str) -> None:
    """Runs statements as somebody else would."""
    for plain, driver in DRIVERS.items():
        url = url.replace(plain, driver)
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def version(url: str) -> str:
    """What the database says of its schema."""
    for plain, driver in DRIVERS.items():
        url = url.replace(plain, driver)
    engine = create_engine(url)
    with engine.connect() as connection:
        said = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    engine.dispose()
    return said


def opening(url: str, seconds: float) -> subprocess.Popen[str]:
    """A process that opens the database, and in the middle of its migration waits so many seconds."""
    return subprocess.Popen(
        [sys.executable, Path(__file__).with_name("migrating_process.py"), url, str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def refused(url: str) -> str:
    """What is said of a database that is refused, as one sentence without a stack trace."""
    with pytest.raises(DataFolderProblem) as caught:
        CatalogStore.open(url)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_empty_database_becomes_a_catalogs(url: str) -> None:
    CatalogStore.open(url).close()

    store = CatalogStore.open(url)
    assert store.names() == []
    store.close()


def test_a_database_that_was_migrated_once_and_emptied_is_filled_again(url: str) -> None:
    run(url, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")

    store = CatalogStore.open(url)
    assert store.names() == []
    store.close()


@pytest.mark.parametrize("found", ["0004", "9999"])
def test_a_database_of_a_newer_release_is_refused_by_name_and_left_alone(url: str, found: str) -> None:
    CatalogStore.open(url).close()
    run(url, f"UPDATE alembic_version SET version_num = '{found}'")

    with pytest.raises(NewerDatabase, match=f"{found}.*install the newer release"):
        CatalogStore.open(url)
    assert version(url) == found


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE product (sku INTEGER)"],
        ["CREATE TABLE catalog (id INTEGER)", "CREATE TABLE alembic_version (version_num TEXT)"],
        [
            "CREATE TABLE invoice (id INTEGER)",
            "CREATE TABLE alembic_version (version_num TEXT)",
            "INSERT INTO alembic_version VALUES ('ae1027a6acf')",
        ],
        [
            "CREATE TABLE product (sku INTEGER)",
            "CREATE TABLE alembic_version (version_num TEXT)",
            "INSERT INTO alembic_version VALUES ('9999')",
        ],
    ],
)
def test_a_database_of_another_application_is_refused_and_left_alone(url: str, statements: list[str]) -> None:
    run(url, *statements)

    with pytest.raises(ForeignDatabase, match=r"another application.*LYCHEE_DATABASE_URL"):
        CatalogStore.open(url)
    run(url, *(f"DROP TABLE {statement.split()[2]}" for statement in statements if "CREATE" in statement))
    CatalogStore.open(url).close()


@pytest.mark.parametrize(
    ("harm", "names"),
    [
        ("DROP TABLE value_set", "value_set"),
        ("DROP TABLE document", "document"),
        ("ALTER TABLE catalog DROP COLUMN encoder_before", r"catalog\.encoder_before"),
        ("DROP TABLE lexical_1", "lexical_1"),
        ("UPDATE alembic_version SET version_num = '0002'", None),
    ],
)
def test_a_half_migrated_database_is_refused_with_what_it_lacks(
    url: str, harm: str, names: str | None
) -> None:
    store = CatalogStore.open(url)
    store.create("shop", index_fields=("title",))
    store.close()
    run(url, harm)

    with pytest.raises(HalfMigratedDatabase, match=rf"half migrated.*{names or 'value_set'}.*backup"):
        CatalogStore.open(url)


def test_processes_that_open_an_old_database_at_once_migrate_it_once(url: str) -> None:
    made_by_the_first_release(url)

    processes = [opening(url, 0.5) for _ in range(4)]
    said = [process.communicate(timeout=60)[0].splitlines() for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert sorted(said) == [["half done", "open ['shop']"], *[["open ['shop']"]] * 3]


def test_processes_that_open_an_empty_database_at_once_get_along(url: str) -> None:
    processes = [opening(url, 0.0) for _ in range(4)]

    assert [process.communicate(timeout=60)[0] for process in processes] == ["open []\n"] * 4


def test_a_migration_that_is_killed_leaves_the_old_database_and_the_next_one_does_it(url: str) -> None:
    made_by_the_first_release(url)
    before = version(url)
    process = opening(url, 600)
    assert process.stdout is not None

    with process, process.stdout as lines:
        assert lines.readline() == "half done\n"
        process.send_signal(signal.SIGKILL)

    assert version(url) == before == "0001"
    with opening(url, 0.0) as next_one:
        assert next_one.communicate(timeout=60)[0].splitlines()[-1] == "open ['shop']"
    store = CatalogStore.open(url)
    tree = parse_filter("color = red")
    assert tree is not None
    assert len(store.catalog("shop").matching(tree)) == 1
    store.close()
