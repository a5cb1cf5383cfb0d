"""Brings a database to the newest schema; alone knows Alembic, which is imported only when there is work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, inspect, text

from core.errors import NewerDatabase

KNOWN = ("0001", "0002", "0003")
"""All revisions, oldest first; a test holds this against the files in versions/."""

Session = Callable[[], AbstractContextManager[Connection]]


def bring_up_to_date(reading: Session, writing: Session) -> None:
    """Runs what is missing in one transaction; refuses a database that a newer release has migrated."""
    with reading() as connection:
        if _version(connection) == KNOWN[-1]:
            return
    with writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7860)"))
        # Another process may have migrated while this one waited for its turn.
        if _version(connection) != KNOWN[-1]:
            _upgrade(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version is not None and version not in KNOWN:
        raise NewerDatabase(str(connection.engine.url.render_as_string()), version, KNOWN[-1])
    return version


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "core.catalog:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
