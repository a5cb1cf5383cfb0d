"""What the processes of one server know of each other: how many they are, and the folder that they share."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client when it is imported: from then on it counts in files, which all processes can read."""


@dataclass(frozen=True, slots=True)
class Crew:
    """The processes of one server, as each of them knows them."""

    workers: int = 1
    folder: Path | None = None
    """Where they put what all must find; None for a process that is alone, and keeps that to itself."""

    @property
    def pictures(self) -> Path | None:
        """Where query pictures are kept."""
        return None if self.folder is None else self.folder / "pictures"

    @property
    def windows(self) -> Path | None:
        """Where a search's window is left for its further pages; None where there is nobody else to ask for them."""
        return None if self.folder is None or self.workers == 1 else self.folder / "windows"

    @property
    def counts(self) -> Path | None:
        """Where metrics are counted; None where there is nobody to count together with."""
        return None if self.folder is None or self.workers == 1 else self.folder / "counts"


ALONE = Crew()


@contextmanager
def gathered(workers: int = 1) -> Iterator[Crew]:
    """A crew with a fresh folder, which goes when the block ends; nothing that counts may be imported before."""
    folder = Path(tempfile.mkdtemp(prefix="lychee-"))
    crew = Crew(workers, folder)

    def leave(number: int, _: object) -> None:
        # Uvicorn ends with the signal that has ended it: nothing that stands behind it is run.
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        for part in (crew.pictures, crew.windows, crew.counts):
            if part is not None:
                part.mkdir()
        if crew.counts is not None:
            os.environ[COUNTS] = str(crew.counts)
        yield crew
    finally:
        signal.signal(signal.SIGTERM, before)
        shutil.rmtree(folder, ignore_errors=True)
