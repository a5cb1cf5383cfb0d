"""Processes of a fault's stage: servers of the product, and a PostgreSQL and a Redis of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.postgres import INITDB, USER, why_none

ROOT = Path(__file__).resolve().parents[1]
ADMIN_KEY = "an-admin-key-of-the-bench"
REQUEST_SECONDS = 10.0
"""The server's limit of a request, short so that a fault needs no minutes."""
STARTING_SECONDS = 90.0


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(port: int, seconds: float = 20.0) -> None:
    """Until somebody listens there."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    command = ["ps", "-o", "pid=", "--ppid", str(parent)]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return [int(pid) for pid in asked.stdout.split()]


@dataclass(slots=True)
class Server:
    """`lychee load` in a process of its own, started again as a supervisor would where that is asked for."""

    data: Path
    settings: Mapping[str, str]
    log: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    options: tuple[str, ...] = ()
    open_files: int | None = None

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self.process is not None
        return self.process.pid

    def begin(self) -> None:
        """Starts it, and doesn't wait."""
        lychee = [sys.executable, "-m", "lychee", "load", "--port", str(self.port), *self.options]
        if self.open_files:
            lychee = ["prlimit", f"--nofile={self.open_files}", *lychee]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                lychee, cwd=ROOT, env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self.begin()
        give_up = time.monotonic() + STARTING_SECONDS
        while not self.is_ready():
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the server did not start; see {self.log}")
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """Whether /readyz says so."""
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=10.0).status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def kill(self) -> None:
        """As the system does where memory is short: no farewell."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ends it, with whatever it has started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def environment(self) -> dict[str, str]:
        """What it is started with."""
        own = {
            "LYCHEE_DATA": str(self.data),
            "LYCHEE_ADMIN_KEY": ADMIN_KEY,
            "LYCHEE_RERANK_BUDGET_MS": "6000",
            "LYCHEE_REQUEST_SECONDS": str(REQUEST_SECONDS),
            "LYCHEE_QUEUE_MS": "3000",
            "OPENBLAS_NUM_THREADS": "1",
        }
        without = {name: value for name, value in os.environ.items() if not name.startswith("LYCHEE_")}
        return without | own | dict(self.settings)

    def unforeseen(self) -> list[str]:
        """Lines of its log that nobody wants to find there."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [line for line in lines if "unforeseen" in line or line.startswith("Traceback")]


@dataclass(slots=True)
class Postgres:
    """A PostgreSQL server in a folder of its own, reachable over TCP."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """For LYCHEE_DATABASE_URL."""
        return f"postgresql://lychee@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Until it takes connections."""
        # One that was killed has left its lock behind; a supervisor's start would find it stale, too.
        options = f"-k {self.folder} -c listen_addresses=127.0.0.1 -c port={self.port}"
        self._control("-o", options, "-l", f"{self.folder}/log", "-w", "start")

    def stop(self) -> None:
        """Fast: sessions are cut off."""
        self._control("-m", "fast", "stop")

    def signal(self, number: signal.Signals) -> None:
        """Sent to the server and all of its sessions."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """The postmaster alone: its sessions find out by themselves."""
        os.kill(self.pids()[0], signal.SIGKILL)

    def pids(self) -> list[int]:
        """The postmaster first, then what it has started."""
        parent = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        return [parent, *children(parent)]

    def make(self) -> None:
        """The folder and an empty database in it."""
        assert INITDB is not None
        shutil.chown(self.folder, USER)
        self._as_server(INITDB, "-D", f"{self.folder}/data", "-A", "trust", "-U", "lychee", "-E", "UTF8")

    def _control(self, *arguments: str) -> None:
        assert INITDB is not None
        self._as_server(str(Path(INITDB).with_name("pg_ctl")), "-D", f"{self.folder}/data", *arguments)

    @staticmethod
    def _as_server(*command: str) -> None:
        subprocess.run(command, user=USER, check=True, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """One that runs, and is ended with the block."""
    missing = why_none()
    if missing is not None:
        raise RuntimeError(missing)
    server = Postgres(folder, free_port())
    if not folder.exists():
        folder.mkdir(parents=True)
        server.make()
    server.start()
    try:
        yield server
    finally:
        with suppress(subprocess.CalledProcessError, FileNotFoundError):
            server.signal(signal.SIGCONT)
            server._control("-m", "immediate", "stop")


@contextmanager
def redis(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis that keeps nothing on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        wait_for(port)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
