"""Columns of numbers in memory, so that a price slider's next range costs a comparison and no reading."""

from __future__ import annotations

from sqlalchemy import Connection

from core.catalog.chunks import Numbers
from core.catalog.value_sets import numbers_of
from core.recent import Recent

KEPT_COLUMNS = 4
"""Columns that a catalog keeps: the price and what else is filtered by range; 16 bytes for each product."""


class KeptNumbers:
    """One catalog's columns; what has changed since a column was read is read anew. Safe for many threads."""

    def __init__(self) -> None:
        self._columns: Recent[str, tuple[int, Numbers]] = Recent(KEPT_COLUMNS)

    def of(self, connection: Connection, catalog_id: int, revision: int, name: str) -> Numbers:
        """The numbers that products have under a name, in the revision that the connection sees."""
        known = self._columns.get(name)
        if known is None or known[0] > revision:
            column = Numbers.of_chunks(numbers_of(connection, catalog_id, name))
        else:
            since, column = known
            changed = numbers_of(connection, catalog_id, name, since=since) if since < revision else []
            column = column.patched(changed) if changed else column
        if known is None or known[0] < revision:
            self._columns.keep(name, (revision, column))
        return column
