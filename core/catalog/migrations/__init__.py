"""Brings a database to the newest schema; alone knows Alembic, which is imported only when there is work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, text

from core.catalog.recognising import recognised, refuse_unwritable

KNOWN = ("0001", "0002", "0003")
"""All revisions, oldest first; a test holds this against the files in versions/."""

Session = Callable[[], AbstractContextManager[Connection]]


def bring_up_to_date(reading: Session, writing: Session, place: str) -> None:
    """Runs what is missing in one transaction; refuses a database that isn't ours, whole, and of a known release.

    Whoever comes second waits for the first; one that is killed leaves the database as it was.
    """
    with reading() as connection:
        is_newest = recognised(connection, place, KNOWN) == KNOWN[-1]
        refuse_unwritable(connection, place, migrated=is_newest)
        if is_newest:
            return
    with writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7860)"))
        # Another process may have migrated while this one waited for its turn.
        if recognised(connection, place, KNOWN) != KNOWN[-1]:
            _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "core.catalog:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
