"""The file of a SQLite database: its folder, and whether it is the one that was opened.

One that was removed takes writes all the same, and nobody finds them.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import DataFolderProblem

GONE = "the file is gone; put it back from a backup, or run `lychee ingest` and start again"
Identity = tuple[int, int]


def make_folder(path: Path, mend: str) -> None:
    """The folder of a database's file; DataFolderProblem where that can't be written, with what mends it."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderProblem(str(folder), error.strerror or str(error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataFolderProblem(str(folder), f"it is not writable; {mend}")
    if path.exists() and not os.access(path, os.W_OK):
        raise DataFolderProblem(str(path), f"it is not writable; {mend}")


class DatabaseFile:
    """A path, and which file lies there; safe for many threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: Identity | None = None

    def was_replaced(self) -> bool:
        """Whether another file lies there than when this was asked before; DataFolderProblem where none does."""
        found = self._found()
        replaced = self._known is not None and found != self._known
        self._known = found
        return replaced

    def _found(self) -> Identity:
        try:
            facts = self._path.stat()
        except OSError as error:
            raise DataFolderProblem(str(self._path), GONE) from error
        return facts.st_dev, facts.st_ino
