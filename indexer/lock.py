"""One ingest at a time for each catalog, over all processes of a machine."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import DataFolderProblem, IngestRunning


@contextmanager
def exclusive(data: Path, catalog: str) -> Iterator[None]:
    """Holds the catalog for one ingest. The system lets go of it when the process ends, however it ends."""
    path = data / "locks" / f"{catalog}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise DataFolderProblem(str(path.parent), error.strerror or str(error)) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise IngestRunning(catalog) from error
        yield
