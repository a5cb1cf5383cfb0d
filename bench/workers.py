"""What several workers bring: memory, searches a second, and how soon each shows what an ingest has committed.

python -m bench.workers [--json] [--database postgresql://user@host/an-empty-database] [--seconds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import signal
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from bench.load_clients import Connection
from bench.table import print_json, print_table
from bench.worker_freshness import freshness
from bench.worker_server import Environment, Server, get, search, search_picture, serving
from core.settings import Settings
from indexer.cli import ingest_demo

QUERIES = (
    "black running shoes", "红色连衣裙", "a bag under 50", "灰色沙发", "ballet shoes", "蓝色牛仔裤", "camera",
    "wooden chair", "不要红色的鞋", "gift for a child", "umbrella", "白色运动鞋", "lamp for the desk", "雨伞",
)  # fmt: skip
CLIENTS = 4


def together(ask: Callable[[http.client.HTTPConnection], None], server: Server) -> None:
    """Asks all workers at once: a connection that rests is closed."""
    threads = [threading.Thread(target=ask, args=(each,)) for each in server.connections().values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _warmed(connection: http.client.HTTPConnection) -> None:
    for number in range(100):
        hits = search(connection, QUERIES[number % len(QUERIES)])
    for _ in range(10):
        get(connection, f"/api/products/{quote(hits[0])}/similar")
        search_picture(connection)


def memory(environment: Environment) -> list[dict[str, float]]:
    """After a hundred searches by words and ten by picture in each worker."""
    rows = []
    for workers in (1, 2, 4):
        with serving(environment, workers) as server:
            at_first = server.pss()
            together(_warmed, server)
            rows.append(
                {
                    "workers": workers,
                    "start_seconds": round(server.start_seconds, 1),
                    "mb_at_first": round(at_first),
                    "mb_warm": round(server.pss()),
                }
            )
    return rows


def throughput(environment: Environment, seconds: float, rounds: int = 3) -> list[dict[str, float]]:
    """Searches that four clients have answered; each count of workers in turn, the median of the rounds."""
    found: dict[int, list[tuple[float, float, int]]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, results in found.items():
            with serving(environment, workers) as server:
                together(_warmed, server)
                results.append(asyncio.run(_asked(server.port, seconds)))
    return [
        {
            "workers": workers,
            "searches_per_second": round(statistics.median(each[0] for each in results), 1),
            "p95_ms": round(statistics.median(each[1] for each in results), 1),
            "refused": sum(each[2] for each in results),
        }
        for workers, results in found.items()
    ]


async def _asked(port: int, seconds: float) -> tuple[float, float, int]:
    bodies = [json.dumps({"query": {"text": text}, "limit": 24}).encode() for text in QUERIES]
    end, took, statuses = time.perf_counter() + seconds, [], Counter[int]()

    async def client(number: int) -> None:
        connection = Connection("127.0.0.1", port)
        while time.perf_counter() < end:
            number += 1
            reply = await connection.search(bodies[number % len(bodies)])
            statuses[reply.status] += 1
            if reply.status == 200:
                took.append(reply.seconds)
            else:
                await asyncio.sleep(0.02)

    await asyncio.gather(*(client(3 * number) for number in range(CLIENTS)))
    return len(took) / seconds, 1000 * statistics.quantiles(took, n=20)[-1], statuses.total() - len(took)


def restart(environment: Environment) -> dict[str, float]:
    """A worker is killed: until the next one has taken its place, and how many searches got no answer meanwhile."""
    with serving(environment, 2) as server:
        before = set(server.workers())
        (staying, connection), (dead, _) = server.connections().items()
        statuses = Counter[bool]()
        os.kill(dead, signal.SIGKILL)
        killed = time.monotonic()
        while not set(server.workers()) - before:
            time.sleep(0.002)
        begun = time.monotonic() - killed
        while len(_counting(server)) < 2:
            statuses[bool(search(connection, QUERIES[0]))] += 1
        assert staying in server.workers()
        return {
            "begun_seconds": round(begun, 3),
            "answers_seconds": round(time.monotonic() - killed, 2),
            "searches_meanwhile": statuses.total(),
            "without_an_answer": statuses[False],
        }


def _counting(server: Server) -> set[int]:
    """The workers that have taken connections."""
    found = set()
    for _ in range(12):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        get(connection, "/healthz")
        found.add(server.owner(connection.sock.getsockname()[1]))
        connection.close()
    return found


def _shop(data: Path, database: str | None) -> Environment:
    ingest_demo(Settings(data=data, database_url=database))
    return os.environ | {"LYCHEE_DATA": str(data), "LYCHEE_DATABASE_URL": database or ""}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="a PostgreSQL database of its own; SQLite without")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--data", type=Path, help="a folder with the demo shop; without, one is made")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=["memory", "throughput", "freshness", "restart"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        environment = _shop(asked.data or Path(data), asked.database)
        parts: dict[str, Callable[[], list[dict[str, float]]]] = {
            "restart": lambda: [restart(environment)],
            "memory": lambda: memory(environment),
            "throughput": lambda: throughput(environment, asked.seconds),
            "freshness": lambda: [freshness(environment)],
        }
        figures = {name: part() for name, part in parts.items() if asked.only in (None, name)}
    if asked.json:
        print_json(figures)
        return
    for name, rows in figures.items():
        print(name)
        print_table(list(rows[0]), [[f"{value:g}" for value in row.values()] for row in rows])


if __name__ == "__main__":
    main()
