"""Faults of the database: PostgreSQL that is restarted, killed, frozen or cut off, SQLite that is locked or gone."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bench.fault_load import Load, Observed
from bench.fault_processes import ROOT, Postgres, Server, free_port, postgres
from bench.fault_stage import Fault, Stage, Writer, report


@contextmanager
def _shop(
    stage: Stage, *, through: Callable[[Postgres], str] = lambda database: database.url
) -> Iterator[tuple[Postgres, Server]]:
    """The demo shop in a PostgreSQL server of its own; it is ingested once, and its files copied."""
    made = stage.root / "postgres-demo"
    if not made.exists():
        aside = stage.folder("making")
        with postgres(aside / "server") as database:
            stage.ingest(aside / "data", {"LYCHEE_DATABASE_URL": database.url})
            database.stop()
        aside.rename(made)
    place = stage.folder("postgres")
    subprocess.run(["cp", "-a", str(made), str(place)], check=True)
    with (
        postgres(place / "server") as database,
        stage.server(place / "data", settings={"LYCHEE_DATABASE_URL": through(database)}) as server,
    ):
        yield database, server


def _restarted(stage: Stage) -> Observed:
    with _shop(stage) as (database, server), stage.loaded(server) as load, Writer(server) as writer:
        time.sleep(2)
        database.stop()
        load.phase("stopped", 8)
        database.start()
        load.until_well()
        return report(load, server, writer.summary(), writer.kept())


def _killed(stage: Stage) -> Observed:
    with _shop(stage) as (database, server), stage.loaded(server) as load, Writer(server) as writer:
        time.sleep(2)
        database.kill()
        load.phase("killed", 6)
        # Its sessions may outlive it for a moment; it can't start before they have gone.
        for _ in range(20):
            with suppress(subprocess.CalledProcessError):
                database.start()
                break
            time.sleep(0.5)
        load.until_well()
        return report(load, server, writer.summary(), writer.kept())


def _frozen(stage: Stage) -> Observed:
    with _shop(stage) as (database, server), stage.loaded(server) as load:
        database.signal(signal.SIGSTOP)
        load.phase("frozen", 45)
        database.signal(signal.SIGCONT)
        load.until_well()
        return report(load, server)


class _BlackHole:
    """Passes bytes on to a port, until it swallows them: connections are taken, and nothing comes back."""

    def __init__(self, to: int) -> None:
        self.port, self._to = free_port(), to
        self.swallows = False
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._to))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        swallowed = False
        with suppress(OSError):
            while piece := source.recv(65_536):
                swallowed = swallowed or self.swallows
                # What has lost a piece is never whole again, as on a network that drops a connection's state.
                if not swallowed:
                    target.sendall(piece)
        if not swallowed:
            for each in (source, target):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _cut_off(stage: Stage) -> Observed:
    holes: list[_BlackHole] = []

    def through(database: Postgres) -> str:
        holes.append(_BlackHole(database.port))
        return database.url.replace(f":{database.port}", f":{holes[0].port}")

    with _shop(stage, through=through) as (_, server), stage.loaded(server) as load:
        holes[0].swallows = True
        load.phase("swallowed", 45)
        holes[0].swallows = False
        load.until_well()
        return report(load, server)


_LOCKING = """
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN IMMEDIATE")
c.execute("UPDATE catalog SET products = products")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
c.execute("ROLLBACK")
"""


def _locked(stage: Stage) -> Observed:
    with stage.server() as server, stage.loaded(server) as load, Writer(server) as writer:
        time.sleep(2)
        path = str(server.data / "catalog.db")
        command = [sys.executable, "-c", _LOCKING, path, "40"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as locking:
            assert locking.stdout is not None
            locking.stdout.readline()
            load.phase("locked 40 s", 40)
            locking.wait()
        load.until_well()
        return report(load, server, writer.summary(), writer.kept())


def _deleted(stage: Stage) -> Observed:
    with stage.server() as server, stage.loaded(server) as load:
        database = server.data / "catalog.db"
        kept = stage.folder("catalog.db")
        with sqlite3.connect(database) as source, sqlite3.connect(kept) as target:
            source.backup(target)
        for path in server.data.glob("catalog.db*"):
            path.unlink()
        load.phase("deleted", 8)
        return _put_back(load, server, lambda: kept.replace(database))


def _put_back(load: Load, server: Server, put: Callable[[], object]) -> Observed:
    put()
    load.until_well()
    return report(load, server)


FAULTS = [
    Fault(
        "postgres-restart",
        "PostgreSQL stopped (fast) for 8 s and started, while products are put",
        _restarted,
    ),
    Fault(
        "postgres-kill",
        "`kill -9` of the postmaster, started again after 6 s, while products are put",
        _killed,
    ),
    Fault("postgres-frozen", "PostgreSQL and its sessions frozen (SIGSTOP) for 45 s", _frozen),
    Fault(
        "postgres-black-hole",
        "the network to PostgreSQL takes connections and bytes for 45 s and never answers",
        _cut_off,
    ),
    Fault(
        "sqlite-locked",
        "another process keeps a write transaction open for 40 s while products are put",
        _locked,
    ),
    Fault("sqlite-deleted", "`catalog.db` deleted while serving, a copy put back after 8 s", _deleted),
]
