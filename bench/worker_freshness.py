"""How soon each worker shows what an ingest has committed."""

from __future__ import annotations

import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.worker_server import Environment, get, search, serving
from core.catalog import Catalog, CatalogStore
from core.settings import Settings

NEW_ROWS = 2_000
LOOK_SECONDS = 0.02


class Following:
    """Notes which revision is where since when: in the rows, and in each worker's indexes."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog, self._over = catalog, threading.Event()
        self.commits = [(catalog.revision(), time.monotonic())]
        self.known: list[list[tuple[int, float]]] = []
        self._threads = [threading.Thread(target=self._rows)]

    def worker(self, connection: http.client.HTTPConnection) -> None:
        self.known.append([])
        self._threads.append(threading.Thread(target=self._worker, args=(connection, self.known[-1])))

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def waits(self) -> list[float]:
        """Seconds from each commit to each worker."""
        return [
            next(at for has, at in seen if has >= revision and at >= since) - since
            for revision, since in self.commits[1:]
            for seen in self.known
        ]

    def _rows(self) -> None:
        while not self._over.wait(0.005):
            if (revision := self._catalog.revision()) > self.commits[-1][0]:
                self.commits.append((revision, time.monotonic()))

    def _worker(self, connection: http.client.HTTPConnection, seen: list[tuple[int, float]]) -> None:
        while not self._over.wait(LOOK_SECONDS):
            search(connection, "black running shoes")
            text = get(connection, "/metrics").decode()
            revisions = re.findall(
                r'^lychee_index_revision\{catalog="products".*\} (\S+)$', text, re.MULTILINE
            )
            seen.append((int(min(map(float, revisions))), time.monotonic()))


def freshness(environment: Environment, workers: int = 2) -> dict[str, float]:
    """While an ingest writes: from each commit until each worker's indexes know it; in the end each must find it."""
    data, database = environment["LYCHEE_DATA"], environment["LYCHEE_DATABASE_URL"]
    store = CatalogStore.open(Settings(data=Path(data), database_url=database or None).url)
    following = Following(store.catalog("products"))
    with serving(environment, workers) as server:
        connections = server.connections()
        for connection in connections.values():
            following.worker(connection)
        following.begin()
        mark = f"{int(time.time())}-"
        _ingest(environment, mark)
        time.sleep(4.0)
        following.end()
        newest = f"kettle {mark}{NEW_ROWS - 1}"
        found = [search(each, newest)[0] for each in server.connections().values()]
    store.close()
    waits = following.waits()
    return {
        "workers": workers,
        "commits": len(following.commits) - 1,
        "median_seconds": round(statistics.median(waits), 2),
        "longest_seconds": round(max(waits), 2),
        "found_by_all": float(found == [f"{mark}{NEW_ROWS - 1}"] * workers),
    }


def _ingest(environment: Environment, mark: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as feed:
        for number in range(NEW_ROWS):
            row = {"id": f"{mark}{number}", "title": f"kettle {mark}{number}", "description": "boils water"}
            print(json.dumps(row), file=feed)
        feed.flush()
        subprocess.run(
            [sys.executable, "-m", "lychee", "ingest", feed.name],
            env=environment,
            check=True,
            capture_output=True,
        )
