"""The catalog's own tests once more, over a PostgreSQL server that is started for them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, text

from tests.core import (
    test_catalog,
    test_catalog_changes,
    test_catalog_filters,
    test_catalog_search,
    test_encoding,
    test_migrations,
)

pytest.importorskip("psycopg")

INITDB = shutil.which("initdb") or next(
    (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
)
# The server refuses to run as root; Debian's package brings a user for it.
USER = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name

pytestmark = pytest.mark.skipif(INITDB is None, reason="PostgreSQL is not installed")

for module in (
    test_catalog,
    test_catalog_changes,
    test_catalog_filters,
    test_catalog_search,
    test_encoding,
    test_migrations,
):
    globals().update({name: each for name, each in vars(module).items() if name.startswith("test_")})
clothes = test_catalog_search.clothes
seen = test_encoding.seen


def as_server(*command: str) -> None:
    subprocess.run(command, user=USER, check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    assert INITDB is not None
    control = str(Path(INITDB).with_name("pg_ctl"))
    with TemporaryDirectory(prefix="lychee-pg-", ignore_cleanup_errors=True) as folder:
        shutil.chown(folder, USER)
        data = f"{folder}/data"
        as_server(INITDB, "-D", data, "-A", "trust", "-U", "lychee", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        as_server(control, "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")
        yield f"postgresql://lychee@/postgres?host={folder}"
        as_server(control, "-D", data, "-m", "immediate", "stop")


@pytest.fixture
def url(server: str) -> str:
    """The server, emptied."""
    engine = create_engine(server.replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return server
