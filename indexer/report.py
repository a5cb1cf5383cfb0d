"""What an ingest is asked to do, how it is watched, and what it reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from core.catalog import CatalogStore
from core.encoder import Encoder
from core.encoder_choice import EncoderChoice
from core.language import Language

INDEX_FIELDS = ("title", "description", "category", "attributes")


@dataclass(frozen=True, slots=True)
class Workbench:
    """What every ingest works with."""

    store: CatalogStore
    encoder: Encoder
    language: Language
    data: Path
    """The data folder: pictures, indexes, rejects."""
    choice: EncoderChoice | None = None
    """What the encoder was loaded by; None for what the settings say."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What one ingest is asked to do."""

    catalog: str = "products"
    index_fields: tuple[str, ...] = INDEX_FIELDS
    """The fields whose words are searched."""
    prune: bool = False
    """Remove the products that the feed no longer has."""
    limit: int | None = None
    """Read only so many rows."""


class Watch(Protocol):
    """Follows an ingest, and may end it early."""

    def begin(self, total: int | None) -> None:
        """About how many rows there will be."""

    def advance(self, rows: int) -> None:
        """So many rows more are done, and stored for good."""

    def publishing(self) -> None:
        """All rows are done; the index is being built."""

    def stopping(self) -> bool:
        """True once the ingest should end with the transaction it is in."""


class Unwatched:
    """Nobody looks on."""

    def begin(self, total: int | None) -> None:
        return

    def advance(self, rows: int) -> None:
        return

    def publishing(self) -> None:
        return

    def stopping(self) -> bool:
        return False


@dataclass(slots=True)
class Tally:
    """The counts of an ingest while it runs."""

    stored: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: int = 0
    pictures_encoded: int = 0


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did; rejected counts rows, pictures and prices, each refused alone."""

    stored: int
    updated: int
    unchanged: int
    removed: int
    rejected: int
    pictures_encoded: int
    seconds: float
    rejects_file: str | None
    """Where each reject is told with line, id, code and reason; None where there are none."""
    interrupted: bool = False
    """Ended early: what is counted is stored, and the same command does the rest."""
    notes: tuple[str, ...] = field(default=())
    """Sentences about what was left undone on purpose."""
