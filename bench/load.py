"""A server under more load than it can take: are its answers right, its refusals polite, and its memory bounded?

    python -m bench.load                    64 clients for a minute, 20,000 products (made in some minutes at first)
    python -m bench.load --quick            fewer of both, two minutes in all
    python -m bench.load --shop DIR         keeps the shop there, or takes it from there
    python -m bench.load --json             {requests, errors_5xx, wrong, shed, p95_ms, p95_unloaded_ms, memory_growth}

A real `lychee load` on loopback, in a process of its own on the same processors as its clients. First each search is
asked alone: that is the right answer and the unloaded time. Then all clients ask at once, seven in ten by words, two by
picture, one by both, every other one with the judge; who is told to come again waits as long as he is told.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

if not __package__:  # python bench/load.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.load_clients import Tally, alone, together
from bench.load_shop import searches, write_feed
from bench.table import print_json, print_table
from bench.worker_server import serving

WARM_UP_SECONDS = 10.0
LYCHEE = (sys.executable, "-m", "lychee")


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is."""

    products: int
    searches: int
    rounds: int
    clients: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run measured, by the names of --json."""

    requests: int
    errors_5xx: int
    wrong: int
    degraded: int
    shed: int
    accepted_per_second: float
    p50_ms: float
    p95_ms: float
    p50_unloaded_ms: float
    p95_unloaded_ms: float
    memory_growth: float
    """Of the server's resident memory, from the end of the warm-up to the end of the load."""


def main() -> None:
    """Runs the measurement that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="2,000 products, 15 s")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, help="how long all of them ask")
    parser.add_argument("--shop", type=Path, help="folder of the shop, made where it is missing")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve together")
    asked = parser.parse_args()
    size = (
        Size(2_000, 100, 1, asked.clients, 15.0) if asked.quick else Size(20_000, 400, 2, asked.clients, 60.0)
    )
    if asked.seconds:
        size = replace(size, seconds=asked.seconds)
    with tempfile.TemporaryDirectory(prefix="lychee-bench-") as folder:
        shop = asked.shop or Path(folder) / "shop"
        made(shop, size.products)
        figures, alone_, loaded = measure(size, shop, asked.workers)
    if asked.json:
        print_json(asdict(figures))
    else:
        _print(figures, alone_, loaded)


def made(shop: Path, products: int) -> None:
    """Ingests the shop, unless it is there."""
    if (shop / "catalog.db").exists():
        return
    with tempfile.TemporaryDirectory(prefix="lychee-bench-feed-") as folder:
        feed = write_feed(Path(folder), products)
        subprocess.run([*LYCHEE, "ingest", str(feed), "--data", str(shop)], check=True, stdout=sys.stderr)


def measure(size: Size, shop: Path, workers: int) -> tuple[Figures, Tally, Tally]:
    """The figures, and what they are made of: alone and under load."""
    asked = searches(size.searches)
    with serving({**os.environ, "LYCHEE_DATA": str(shop)}, workers) as server:
        address = ("127.0.0.1", server.port)
        right, unloaded = asyncio.run(alone(address, asked, size.rounds))
        asyncio.run(together(address, asked, right, clients=size.clients, seconds=WARM_UP_SECONDS))
        before = server.pss()
        loaded = asyncio.run(together(address, asked, right, clients=size.clients, seconds=size.seconds))
        growth = server.pss() / before - 1
    figures = Figures(
        requests=loaded.statuses.total(),
        errors_5xx=loaded.errors_5xx,
        wrong=loaded.wrong,
        degraded=loaded.degraded,
        shed=loaded.shed,
        accepted_per_second=round(len(loaded.accepted) / size.seconds, 1),
        p50_ms=_quantile(loaded.accepted, 0.5),
        p95_ms=_quantile(loaded.accepted, 0.95),
        p50_unloaded_ms=_quantile(unloaded.accepted, 0.5),
        p95_unloaded_ms=_quantile(unloaded.accepted, 0.95),
        memory_growth=round(growth, 4),
    )
    return figures, unloaded, loaded


def _quantile(seconds: Sequence[float], share: float) -> float:
    return round(1000 * float(np.quantile(seconds, share)), 1) if seconds else float("nan")


def _print(figures: Figures, unloaded: Tally, loaded: Tally) -> None:
    print(f"on {os.cpu_count()} processors, clients among them")
    print_table(("figure", "measured"), [(name, f"{value:,}") for name, value in asdict(figures).items()])
    rows = [
        (
            kind,
            f"{_quantile(unloaded.took[kind], 0.5)} / {_quantile(unloaded.took[kind], 0.95)}",
            f"{_quantile(loaded.took.get(kind, []), 0.5)} / {_quantile(loaded.took.get(kind, []), 0.95)}",
            str(len(loaded.took.get(kind, []))),
        )
        for kind in sorted(unloaded.took)
    ]
    print_table(("search", "alone, p50 / p95 ms", "under load", "answered"), rows)
    print("answers by status:", dict(loaded.statuses))
    for example in loaded.wrong_examples:
        print("wrong:", example)


if __name__ == "__main__":
    main()
