"""SQLite files and folders that can't be used, each with what to do about it, for a user who isn't root."""

from __future__ import annotations

import os
import pwd
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.catalog import CatalogStore
from core.errors import DataFolderProblem


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may enter, unlike those of the tests."""
    with TemporaryDirectory(prefix="lychee-files-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def opened_by_another(folder: Path) -> str:
    """What a user who owns nothing there is told; a fork, since he may not even run this interpreter."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, _told_to_nobody(f"sqlite:///{folder}/catalog.db").encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as said:
        return said.read()


def _told_to_nobody(url: str) -> str:
    try:
        if os.geteuid() == 0:
            os.setuid(pwd.getpwnam("nobody").pw_uid)
        CatalogStore.open(url).close()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "opened"


def test_a_folder_that_can_not_be_written_is_named(folder: Path) -> None:
    CatalogStore.open(f"sqlite:///{folder}/below/catalog.db").close()
    folder.chmod(0o555)

    said = opened_by_another(folder)
    assert f"{folder}: it is not writable; give the file and its folder to the user" in said


def test_a_file_that_may_only_be_read_is_named(folder: Path) -> None:
    CatalogStore.open(f"sqlite:///{folder}/catalog.db").close()
    folder.chmod(0o777)
    (folder / "catalog.db").chmod(0o444)

    said = opened_by_another(folder)
    assert f"{folder}/catalog.db: it is not writable; give the file and its folder to the user" in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"these are holiday pictures" * 500, "move that file away"),
        (b"SQLite format 3\0" + b"\xff" * 4096, "cannot use data folder"),
    ],
)
def test_a_file_that_is_no_database_is_refused_with_what_to_do(
    folder: Path, content: bytes, says: str
) -> None:
    (folder / "catalog.db").write_bytes(content)

    with pytest.raises(DataFolderProblem, match=says):
        CatalogStore.open(f"sqlite:///{folder}/catalog.db")
    assert (folder / "catalog.db").read_bytes() == content


def test_a_damaged_database_is_refused_with_what_to_do(folder: Path) -> None:
    CatalogStore.open(f"sqlite:///{folder}/catalog.db").close()
    with sqlite3.connect(folder / "catalog.db") as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    whole = (folder / "catalog.db").read_bytes()
    (folder / "catalog.db").write_bytes(whole[:4096] + b"\x55" * (len(whole) - 4096))

    with pytest.raises(DataFolderProblem, match="lychee restore"):
        CatalogStore.open(f"sqlite:///{folder}/catalog.db")


def test_a_file_of_another_application_is_refused_and_left_alone(folder: Path) -> None:
    with sqlite3.connect(folder / "catalog.db") as raw:
        raw.execute("CREATE TABLE bookmarks (id INTEGER)")
    raw.close()

    with pytest.raises(DataFolderProblem, match=r"another application.*bookmarks"):
        CatalogStore.open(f"sqlite:///{folder}/catalog.db")
