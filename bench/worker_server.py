"""A server of several workers, as benchmarks begin, ask and measure it."""

from __future__ import annotations

import base64
import http.client
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import socket
from urllib.parse import quote

from PIL import Image

Environment = dict[str, str]


class Server:
    """`lychee load --workers N` with a demo shop."""

    def __init__(self, environment: Environment, workers: int) -> None:
        with socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lychee", "load", "--port", str(self.port), "--workers", str(workers)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("Running on"), "the server did not begin"
        self.start_seconds = time.perf_counter() - began

    def workers(self) -> list[int]:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return list(map(int, children)) or [pid]

    def pss(self) -> float:
        """Memory of all its processes, what several share counted once; MB."""
        processes = {self.process.pid, *self.workers()}
        return sum(_pss(pid) for pid in processes) / 1024

    def connections(self) -> dict[int, http.client.HTTPConnection]:
        """A kept connection to each worker, by process."""
        found: dict[int, http.client.HTTPConnection] = {}
        while len(found) < len(self.workers()):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            get(connection, "/healthz")
            found.setdefault(self.owner(connection.sock.getsockname()[1]), connection)
        return found

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def owner(self, client_port: int) -> int:
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ours, theirs = f":{self.port:04X}", f":{client_port:04X}"
        inode = next(each[9] for each in lines if each[1].endswith(ours) and each[2].endswith(theirs))
        for pid in self.workers():
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    if str(link.readlink()) == f"socket:[{inode}]":
                        return pid
        raise LookupError("no worker has taken that connection")


@contextmanager
def serving(environment: Environment, workers: int) -> Iterator[Server]:
    server = Server(environment, workers)
    try:
        yield server
    finally:
        server.stop()


def get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.read()
    assert answer.status == 200, f"{path}: {answer.status} {found[:200]!r}"
    return found


def search(connection: http.client.HTTPConnection, text: str) -> list[str]:
    found = json.loads(get(connection, f"/api/search?q={quote(text)}&limit=10"))
    return [hit["id"] for hit in found["hits"]]


def _body(text: str) -> bytes:
    return json.dumps({"query": {"text": text}, "limit": 24}).encode()


def search_picture(connection: http.client.HTTPConnection) -> None:
    kept = io.BytesIO()
    Image.new("RGB", (300, 300), (200, 30, 30)).save(kept, "PNG")
    body = json.dumps({"query": {"image": base64.b64encode(kept.getvalue()).decode()}})
    connection.request("POST", "/api/search", body, {"content-type": "application/json"})
    connection.getresponse().read()


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
