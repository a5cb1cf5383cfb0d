"""What we refuse because a database server doesn't serve."""

from __future__ import annotations

from core.errors import DataFolderProblem, LycheeError


class DatabaseUnreachable(DataFolderProblem):
    """The database server is gone, refuses, or has no connection free; what was asked can be asked again."""

    exit_code = 1

    def __init__(self, place: str, reason: str) -> None:
        LycheeError.__init__(self, f"database {place} fails: {' '.join(reason.split())}")
        self.path, self.reason = place, reason
