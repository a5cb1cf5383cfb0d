"""A copy of a whole SQLite database in one state, taken while others read and write it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from core.catalog.address import parsed
from core.errors import DataFolderProblem


def database_file(url: str) -> Path | None:
    """The file of an SQLite database; None for one that lies on a server."""
    try:
        address = parsed(url)
    except ValueError:
        return None
    return Path(str(address.database)) if address.get_backend_name() == "sqlite" else None


def copy_database(file: Path, target: Path) -> None:
    """Copies the database's state of this moment; nobody waits for it. DataFolderProblem."""
    if not file.is_file():
        raise DataFolderProblem(str(file), "there is no catalog yet; `lychee ingest` makes one")
    try:
        # Only for reading: a backup must not make what is not there, nor migrate what is.
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            # All pages in one step hold one state; in several, each write of others would begin it anew.
            source.backup(copy, pages=-1)
    except sqlite3.Error as error:
        raise DataFolderProblem(str(file), str(error)) from error
