"""What we refuse because a database doesn't serve, or isn't fit to."""

from __future__ import annotations

from collections.abc import Collection

from core.errors import DataFolderProblem, LycheeError


class DatabaseUnreachable(DataFolderProblem):
    """The database server is gone, refuses, or has no connection free; what was asked can be asked again."""

    exit_code = 1

    def __init__(self, place: str, reason: str) -> None:
        LycheeError.__init__(self, f"database {place} fails: {' '.join(reason.split())}")
        self.path, self.reason = place, reason


class UnfitDatabase(DataFolderProblem):
    """There is a database, and a catalog can't be kept in it as it is."""

    def __init__(self, place: str, reason: str) -> None:
        LycheeError.__init__(self, f"database {place} {reason}")
        self.path, self.reason = place, reason


class ForeignDatabase(UnfitDatabase):
    """The database belongs to another application."""

    def __init__(self, place: str, tables: Collection[str]) -> None:
        some = ", ".join(sorted(tables)[:5])
        super().__init__(
            place,
            f"belongs to another application: its tables ({some}) are not ours; "
            "name a database of the catalog's own by LYCHEE_DATABASE_URL",
        )


class HalfMigratedDatabase(UnfitDatabase):
    """The database has a part of our tables."""

    def __init__(
        self, place: str, version: str, *, lacks: Collection[str], has: Collection[str] = ()
    ) -> None:
        amiss = f"lacks {', '.join(sorted(lacks)[:5])}" if lacks else f"has {', '.join(sorted(has))} already"
        super().__init__(
            place,
            f"is half migrated: it says schema {version} and {amiss}; restore it from a backup, "
            "or name an empty one by LYCHEE_DATABASE_URL and ingest again",
        )


class ReadOnlyDatabase(UnfitDatabase):
    """The database may not be written by whom we are there."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, f"can't be written to: {' '.join(reason.split())}")


class DatabaseReplaced(DataFolderProblem):
    """Another file was put into the place of the one that was being read; what was asked can be asked again."""

    exit_code = 1

    def __init__(self, place: str) -> None:
        LycheeError.__init__(self, f"database {place} was replaced by another file; ask again")
        self.path, self.reason = place, "it was replaced"
