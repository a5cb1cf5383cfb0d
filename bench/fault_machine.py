"""Faults of the machine under a server: killed, its clock moved, its file descriptors used up."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from bench.fault_load import Observed
from bench.fault_processes import ADMIN_KEY, Server, children
from bench.fault_stage import Fault, Stage, Writer, report

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
OPEN_FILES = 160
KILLS = 4


def _killed(stage: Stage) -> Observed:
    with stage.server() as server, stage.loaded(server) as load, Writer(server, pictured=True) as writer:
        for number in range(KILLS):
            time.sleep(3)
            server.kill()
            server.begin()
            load.phase(f"kill {number + 1}", 10)
        load.until_well()
        return report(load, server, writer.summary(), writer.kept())


def _worker_killed(stage: Stage) -> Observed:
    with (
        stage.server(options=("--workers", "2")) as server,
        stage.loaded(server) as load,
        Writer(server) as writer,
    ):
        time.sleep(2)
        workers = children(server.pid)
        os.kill(workers[-1], signal.SIGKILL)
        load.phase("one of two killed", 8)
        load.until_well()
        said = f"workers before {len(workers)}, afterwards {len(children(server.pid))}"
        return report(load, server, said, writer.summary(), writer.kept())


class _Clock:
    """What a server holds to be the time, moved while it runs."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.move("+0")

    def move(self, offset: str) -> None:
        """Like `+1d`, `-1d`, `+10y`; whoever reads the file meanwhile sees all of it or the one before."""
        aside = self._file.with_suffix(".new")
        aside.write_text(f"{offset}\n")
        aside.replace(self._file)

    @property
    def settings(self) -> dict[str, str]:
        """What a process needs to believe it; time that only runs, and never is set, stays as it is."""
        return {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "LYCHEE_RATE_LIMIT": "1000000/minute",
        }


def _moved(stage: Stage) -> Observed:
    if FAKETIME is None:
        raise RuntimeError("libfaketime is not installed; `apt-get install faketime` brings it")
    clock = _Clock(stage.folder("clock"))
    with (
        stage.server(settings=clock.settings) as server,
        stage.loaded(server) as load,
        Writer(server) as writer,
    ):
        notes = [_guessed(server, "before")]
        for offset in ("+1d", "-1d", "+10y", "+0"):
            clock.move(offset)
            load.phase(f"clock {offset}", 8)
            notes += [_dated(server, offset), _guessed(server, offset)]
        load.until_well()
        notes.append(_ages(server))
        return report(load, server, writer.summary(), writer.kept(), *notes)


def _dated(server: Server, offset: str) -> str:
    answer = httpx2.get(f"{server.url}/healthz", timeout=30.0)
    return f"clock {offset}: the server's Date is {answer.headers.get('date')}"


def _guessed(server: Server, when: str) -> str:
    """What a person who mistyped the key four times is told, and whether the right key is taken after that wait."""
    url, said = f"{server.url}/api/products/nothing", ""
    for _ in range(4):
        answer = httpx2.delete(url, headers={"X-API-Key": "a wrong key of the bench"}, timeout=30.0)
        said = f"{answer.status_code}, Retry-After {answer.headers.get('retry-after')}"
    time.sleep(2)
    right = httpx2.delete(url, headers={"X-API-Key": ADMIN_KEY}, timeout=30.0)
    waits = f", Retry-After {right.headers.get('retry-after')}" if "retry-after" in right.headers else ""
    return f"clock {when}: the fourth wrong key is answered {said}; the right one 2 s later {right.status_code}{waits}"


def _ages(server: Server) -> str:
    lines = httpx2.get(f"{server.url}/metrics", timeout=30.0).text.splitlines()
    ages = [line.rpartition(" ")[2] for line in lines if line.startswith("lychee_index_age_seconds{")]
    return f"ages of indexes afterwards: {', '.join(ages)} s"


@contextmanager
def _idle(port: int, count: int) -> Iterator[list[socket.socket]]:
    """As many connections as can be had, which say nothing, and are made again when they are closed."""
    held: list[socket.socket] = []
    over = threading.Event()

    def hold() -> None:
        while not over.is_set():
            with suppress(OSError):
                held.append(socket.create_connection(("127.0.0.1", port), timeout=0.5))
            if len(held) > count:
                held.pop(0).close()
            time.sleep(0.005)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    yield held
    over.set()
    thread.join()
    for each in held:
        each.close()


def _no_descriptors(stage: Stage) -> Observed:
    with (
        stage.server(open_files=OPEN_FILES) as server,
        stage.loaded(server) as load,
        Writer(server) as writer,
    ):
        with _idle(server.port, 3 * OPEN_FILES):
            load.phase("used up", 20)
            open_files = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
        load.until_well()
        said = f"the server had {open_files} of {OPEN_FILES} descriptors open"
        return report(load, server, said, writer.summary(), writer.kept())


FAULTS = [
    Fault(
        "kill",
        f"`kill -9` of the server, {KILLS} times, started again at once, while products are put",
        _killed,
    ),
    Fault("worker-kill", "`kill -9` of one of two workers while products are put", _worker_killed),
    Fault("clock", "the clock set a day ahead, a day back, ten years ahead, and right again", _moved),
    Fault(
        "descriptors",
        f"{3 * OPEN_FILES} idle connections to a server that may open {OPEN_FILES} files",
        _no_descriptors,
    ),
]
