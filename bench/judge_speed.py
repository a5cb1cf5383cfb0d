"""How fast the served lite judge answers: a real server, asked over HTTP."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "indexer" / "demo"
ROUNDS = 7
ASKED = {
    "ready_seconds": 5.0,
    "ten_pictures_ms": 300.0,
    "hundred_texts_ms": 300.0,
    "thousand_texts_ms": 2_000.0,
    "one_score_ms": 20.0,
    "search_rerank_ms_a_candidate": 1.0,
    "resident_mb": 900.0,
}


def speeds(folder: Path) -> dict[str, Any]:
    """Medians of several rounds, after one that isn't counted; beside each what was asked."""
    data = folder / "demo"
    lychee = [sys.executable, str(ROOT / "lychee.py")]
    feed = [*lychee, "ingest", str(DEMO / "products.jsonl"), "--data", str(data)]
    subprocess.run(feed, check=True, capture_output=True)
    with _serving(lychee, data) as (address, ready, process):
        found: dict[str, Any] = {"ready_seconds": ready}
        found["ten_pictures_ms"] = _median(address, "/api/rerank", _pictures())
        found["hundred_texts_ms"] = _median(address, "/api/rerank", _texts(100))
        found["thousand_texts_ms"] = _median(address, "/api/rerank", {**_texts(1_000), "preset": "coldstart"})
        single = {"query": "black running shoes", "document": "Lightweight black shoes for runners"}
        found["one_score_ms"] = _median(address, "/api/rerank", single)
        search = {"query": {"text": "black running shoes"}, "rerank": {"depth": 50, "budget_ms": 10_000}}
        found["search_rerank_ms_a_candidate"] = _rerank_share(address, search)
        found["resident_mb"] = _resident_mb(process.pid)
    return {name: {"measured": round(value, 3), "asked": ASKED[name]} for name, value in found.items()}


def _texts(count: int) -> dict[str, Any]:
    """Titles as a pool of content has them; no two are the same."""
    titles = [json.loads(line)["title"] for line in (DEMO / "products.jsonl").read_text("utf-8").splitlines()]
    documents = [f"{titles[at % len(titles)]} {at}" for at in range(count)]
    return {"query": "something to read about running", "documents": documents}


def _pictures() -> dict[str, Any]:
    files = sorted((DEMO / "images").rglob("*.*"))[:10]
    documents = [{"image": base64.b64encode(file.read_bytes()).decode()} for file in files]
    return {"query": "black running shoes", "documents": documents}


def _median(address: str, path: str, body: dict[str, Any]) -> float:
    _post(address, path, body)
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        _post(address, path, body)
        seconds.append(time.perf_counter() - began)
    return 1_000 * statistics.median(seconds)


def _rerank_share(address: str, body: dict[str, Any]) -> float:
    """Milliseconds of the second stage for each candidate that it scored."""
    _post(address, "/api/search", body)
    answers = [_post(address, "/api/search", body) for _ in range(ROUNDS)]
    shares = [float(each["took_ms"]["rerank"]) / int(each["rerank"]["scored"]) for each in answers]
    return statistics.median(shares)


def _post(address: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def _serving(lychee: list[str], data: Path) -> Iterator[tuple[str, float, subprocess.Popen[str]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    command = [*lychee, "load", "--data", str(data), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, line
            yield found[0], time.perf_counter() - began, process
        finally:
            process.terminate()


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
