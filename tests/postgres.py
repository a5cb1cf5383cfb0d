"""A PostgreSQL server that is started for the tests that want one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, text

INITDB = shutil.which("initdb") or next(
    (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
)
# The server refuses to run as root; Debian's package brings a user for it.
USER = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def why_none() -> str | None:
    """What is missing to start a server, and how it is had; None where nothing is."""
    if INITDB is None:
        return "PostgreSQL is not installed; `apt-get install postgresql` brings it, or put its initdb on the PATH"
    if USER not in {each.pw_name for each in pwd.getpwall()}:
        return f"PostgreSQL refuses to run as root and there is no user {USER}; `useradd --system {USER}` makes it"
    return None


@contextmanager
def running(initdb: str, *, fsync: bool = False) -> Iterator[str]:
    """The URL of a server in a folder of its own; without fsync it is quick, and loses data with the machine."""
    control = str(Path(initdb).with_name("pg_ctl"))
    with TemporaryDirectory(prefix="lychee-pg-", ignore_cleanup_errors=True) as folder:
        shutil.chown(folder, USER)
        data = f"{folder}/data"
        _as_server(initdb, "-D", data, "-A", "trust", "-U", "lychee", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync={'on' if fsync else 'off'}"
        _as_server(control, "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")
        yield f"postgresql://lychee@/postgres?host={folder}"
        _as_server(control, "-D", data, "-m", "immediate", "stop")


def emptied(url: str) -> str:
    """The same server without any table."""
    engine = create_engine(url.replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


def _as_server(*command: str) -> None:
    subprocess.run(command, user=USER, check=True, stdout=subprocess.DEVNULL, cwd="/")
