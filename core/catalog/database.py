"""Opens the database: its folder, its pragmas, its migrations, and who may read and write it when."""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from core.catalog.address import parsed
from core.catalog.database_file import DatabaseFile, make_folder
from core.catalog.migrations import bring_up_to_date
from core.database_errors import DatabaseReplaced, DatabaseUnreachable, ReadOnlyDatabase
from core.errors import DataFolderProblem, MissingExtra
from core.setting_words import without_password

BUSY_SECONDS = 30
"""How long a writer waits for a writer of another process."""

_ON_CONNECT = (
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
    # FULL, not NORMAL: in WAL mode both survive a killed process, but only FULL has every commit on the disk
    # when it returns, so that what was reported as stored outlives a power cut too. Ingest commits a few
    # hundred products at a time; one fsync for each of these is noise beside encoding their pictures.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # No mmap_size: each pooled connection would map the file by itself and seem to hold as much memory.
    "PRAGMA cache_size = -8000",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA temp_store = MEMORY",
)

_MENDS = {
    "not a database": "move that file away, or name another by LYCHEE_DATA or LYCHEE_DATABASE_URL",
    "malformed": "`lychee restore` puts back a backup; without one, move the file away and ingest again",
    "readonly": "give the file and its folder to the user that runs this",
    "is full": "free some space; nothing is lost, and the same command goes on",
}
"""What to do about what SQLite says."""
NOT_ALLOWED = "42501"
"""PostgreSQL's code for what a user may not do."""
_PATIENCE = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
"""What a machine that has vanished without a word is waited for; seconds, `tcp_user_timeout` milliseconds."""
POOLED = 20
"""Connections of one process at most: a PostgreSQL server has a hundred unless told otherwise, and there are workers."""
POOL_SECONDS = 10.0
"""How long a search waits for one of them."""


class Database:
    """One database for many threads: readers never wait, writers take turns."""

    def __init__(self, engine: Engine, place: str) -> None:
        self._engine, self._place = engine, place
        self._writer = engine.execution_options(writes=True)
        self._patience: Callable[[], AbstractContextManager[None]] = nullcontext
        if engine.dialect.name != "sqlite":
            from core.catalog.patience import waiting_longer

            self._writer = engine.execution_options(isolation_level="READ COMMITTED")
            self._patience = waiting_longer
        self._turn = threading.Lock()
        # Not every command closes what it opened; a server would notice each connection that is left to itself.
        weakref.finalize(self, engine.dispose)
        self._file: DatabaseFile | None = None
        self.incarnation = 0
        """Grows when another file is put into the place of the one that was opened."""

    @classmethod
    def open(cls, url: str) -> Database:
        """Makes the folder, opens and migrates; DataFolderProblem or NewerDatabase say why it can't."""
        address = _parsed(url)
        path = _file_of(address)
        if path is not None:
            make_folder(path, _MENDS["readonly"])
        database = cls(_engine(address), address.render_as_string() if path is None else str(path))
        try:
            database._prepare(path)
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def reading(self, incarnation: int | None = None) -> Iterator[Connection]:
        """A connection that sees one state of the database until it is given back; DataFolderProblem.

        DatabaseReplaced where the database is no longer the one of that incarnation.
        """
        self._look(incarnation)
        with self._naming_problems(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, incarnation: int | None = None) -> Iterator[Connection]:
        """A connection in one transaction: all of it is stored when the block ends, or nothing."""
        self._look(incarnation)
        with self._turn, self._patience(), self._naming_problems(), self._writer.begin() as connection:
            if connection.dialect.name != "sqlite":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
            yield connection

    def close(self) -> None:
        """Gives all connections back to the system."""
        self._engine.dispose()

    def _prepare(self, path: Path | None) -> None:
        if path is not None:
            with self._naming_problems():
                _use_write_ahead_log(self._engine)
            self._file = DatabaseFile(path)
        bring_up_to_date(self.reading, self.writing, self._place)

    def _look(self, incarnation: int | None) -> None:
        """Lets go of a file that was removed or replaced; DataFolderProblem while there is none, DatabaseReplaced."""
        if self._file is not None and self._file.was_replaced():
            self.incarnation += 1
            self._engine.dispose()
        if incarnation not in (None, self.incarnation):
            raise DatabaseReplaced(self._place)

    @contextmanager
    def _naming_problems(self) -> Iterator[None]:
        """A full disk, a locked or a damaged file is the folder's problem, a lost server its own, and told as such."""
        try:
            yield
        except (DatabaseError, InterfaceError, NoConnectionFree, sqlite3.Error) as error:
            reason = str(getattr(error, "orig", error))
            if getattr(getattr(error, "orig", None), "sqlstate", None) == NOT_ALLOWED:
                raise ReadOnlyDatabase(self._place, reason) from error
            if isinstance(error, IntegrityError | ProgrammingError | DataError):
                raise
            if self._engine.dialect.name != "sqlite":
                raise DatabaseUnreachable(self._place, reason) from error
            raise DataFolderProblem(self._place, reason + _mend(reason)) from error


def _mend(reason: str) -> str:
    return next((f"; {mend}" for said, mend in _MENDS.items() if said in reason), "")


def _parsed(url: str) -> URL:
    try:
        return parsed(url)
    except ValueError as error:
        raise DataFolderProblem(without_password(url), str(error)) from error


def _file_of(url: URL) -> Path | None:
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _postgres(url)
    engine = create_engine(url, pool_size=16, max_overflow=64, query_cache_size=1_000)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _postgres(url: URL) -> Engine:
    try:
        from core.catalog import patience  # psycopg is an extra

        engine = create_engine(
            url.set(query={**_PATIENCE, **url.query}),
            # What a reader asks in several statements must be answered from one state, as SQLite does by itself.
            isolation_level="REPEATABLE READ",
            # A connection that broke while nobody used it is made anew, and no search sees it.
            pool_pre_ping=True,
            pool_size=POOLED // 2,
            max_overflow=POOLED // 2,
            pool_timeout=POOL_SECONDS,
            query_cache_size=1_000,
        )
        event.listen(
            engine, "do_connect", lambda _dialect, _record, place, facts: patience.connect(*place, **facts)
        )
        return engine
    except ImportError as error:
        raise MissingExtra("PostgreSQL", "postgres") from error


def _set_pragmas(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: it would begin them as readers, and a reader that
    # turns into a writer is refused at once when another process wrote in between.
    connection.isolation_level = None
    for pragma in _ON_CONNECT:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_write_ahead_log(engine: Engine) -> None:
    """Once a file: changing the mode ignores the busy timeout, so processes that start together retry."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.05)
        finally:
            connection.close()
