"""Two servers on one data folder get along: both write, both publish, both find everything, and no file is harmed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from core.publishing import VECTOR_CHANNELS, index_folder
from core.types import Channel, Query
from core.vector_index import VectorIndex
from tests.shops import Shop, coloured_shop

ADMIN = "an-admin-key-of-the-tests"
ROOT = Path(__file__).resolve().parents[2]
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
ROUNDS, A_BATCH = 12, 5
PATIENCE_SECONDS = 60.0


def asked(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    headers = {"content-type": "application/json", "authorization": f"Bearer {ADMIN}"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@contextmanager
def server(data: Path) -> Iterator[int]:
    """The port of a server over the folder, which is told to stop in the end and has to leave well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "tests.api.folding_process", "load", "--port", str(port)]
    named = {"LYCHEE_DATA": str(data), "LYCHEE_ADMIN_KEY": ADMIN, "LYCHEE_RERANKER": "none"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | named, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert "Running on" in process.stdout.readline()
        yield port
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in said
    finally:
        process.kill()
        process.communicate()


def writing(port: int, writer: str) -> list[int]:
    """Puts products in batches, and changes and removes some of them; the statuses of all."""
    statuses = []
    for n in range(ROUNDS):
        batch = [
            {"id": f"{writer}-{n}-{k}", "title": f"{COLOURS[(n + k) % 6]} thing {writer} {n} {k}"}
            for k in range(A_BATCH)
        ]
        statuses.append(asked(port, "POST", "/api/products/batch", {"products": batch})[0])
        statuses.append(
            asked(port, "PUT", f"/api/products/{writer}-{n}-0", {"title": f"black thing {writer} {n}"})[0]
        )
        statuses.append(asked(port, "DELETE", f"/api/products/{writer}-{n}-1")[0])
    return statuses


def searching(port: int) -> list[int]:
    """Searches all the while; the best hit must be the one that it always was."""
    statuses = []
    for _ in range(ROUNDS * 6):
        status, answer = asked(port, "GET", "/api/search?q=red+shoe&limit=1")
        statuses.append(status if status != 200 or answer["hits"][0]["id"] == "red shoe" else -1)
        time.sleep(0.02)
    return statuses


def found(port: int) -> list[list[tuple[str, float]]]:
    """What a few searches find, and how alike it is."""
    answers = [asked(port, "GET", f"/api/search?q={colour}+thing&limit=40")[1] for colour in COLOURS]
    return [[(str(hit["id"]), float(hit["similarity"])) for hit in answer["hits"]] for answer in answers]


def test_two_servers_on_one_folder_write_publish_and_find_the_same(shop: Shop) -> None:
    coloured_shop(shop)
    before = {
        channel: VectorIndex.open(folder(shop, channel), fingerprint="color@1").revision
        for channel in VECTOR_CHANNELS
    }

    with ExitStack() as both:
        ports = [both.enter_context(server(shop.data)) for _ in range(2)]
        with ThreadPoolExecutor(4) as threads:
            writers = [threads.submit(writing, port, f"w{n}") for n, port in enumerate(ports)]
            searchers = [threads.submit(searching, port) for port in ports]
            assert {status for each in writers for status in each.result()} <= {200, 201, 204}
            assert {status for each in searchers for status in each.result()} == {200}
        products = shop.store.catalog("products").size()
        assert products == 6 + 2 * ROUNDS * (A_BATCH - 1)

        alone = shop.engine()
        expected = [
            [
                (hit.candidate.product.id, round(hit.candidate.similarity, 4))
                for hit in alone.search(Query(text=f"{colour} thing", limit=40), "products").hits
            ]
            for colour in COLOURS
        ]
        give_up = time.monotonic() + PATIENCE_SECONDS
        while any(found(port) != expected for port in ports) and time.monotonic() < give_up:
            time.sleep(0.2)
        assert [found(port) for port in ports] == [expected, expected]

    for channel, revision in before.items():
        path = folder(shop, channel)
        assert VectorIndex.verify(path) > 0
        published = VectorIndex.open(path, fingerprint="color@1")
        assert published.revision > revision
        assert len(list(path.glob("generation-*"))) == 1


def folder(shop: Shop, channel: Channel) -> Path:
    return index_folder(shop.data, "products", channel, "color@1")
