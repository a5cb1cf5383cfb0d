"""One ingest at a time for each catalog, and one rebuild, over all processes of a machine."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from core.errors import DataFolderProblem, IngestRunning, LycheeError, RebuildRunning


def exclusive(data: Path, catalog: str) -> AbstractContextManager[None]:
    """Holds the catalog for one ingest, or for the moment of a switch: the encoder in force stays meanwhile."""
    return _held(data / "locks" / f"{catalog}.lock", IngestRunning(catalog))


def rebuilding(data: Path, catalog: str) -> AbstractContextManager[None]:
    """Holds the catalog for one rebuild, beside which ingests go on."""
    # No catalog's name has a full stop.
    return _held(data / "locks" / f"{catalog}.rebuild.lock", RebuildRunning(catalog))


@contextmanager
def _held(path: Path, refusal: LycheeError) -> Iterator[None]:
    """Holds a lock file. The system lets go of it when the process ends, however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise DataFolderProblem(str(path.parent), error.strerror or str(error)) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise refusal from error
        yield
