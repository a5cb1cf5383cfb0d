"""A server that is told to stop finishes what it has begun, and loses nothing that it has confirmed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.shops import Shop, coloured_shop

ADMIN = "an-admin-key-of-the-tests"
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    statuses: list[int] = field(default_factory=list)
    cut_off: list[str] = field(default_factory=list)
    turned_away: list[float] = field(default_factory=list)
    """When the requests were sent that got no answer at all."""
    confirmed: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: object = None) -> int | None:
        """The status; None where the server takes no requests any more. A broken answer is noted."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"content-type": "application/json", "authorization": f"Bearer {ADMIN}"}
        try:
            connection.connect()
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
        except OSError:
            self.turned_away.append(began)
            return None
        try:
            json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.cut_off.append(f"{path}: {error!r}")
        finally:
            connection.close()
        self.statuses.append(answer.status)
        return answer.status

    def search_until_gone(self) -> None:
        while self.ask("GET", "/api/search?q=red+shoe") is not None:
            pass

    def write_until_gone(self, writer: str) -> None:
        for number in range(1_000):
            name = f"{writer}-{number}"
            status = self.ask("PUT", f"/api/products/{name}", {"title": f"pink {name}"})
            if status is None:
                return
            if status == 200:
                self.confirmed.append(name)


def aside(shop: Shop) -> Path:
    """Where the server keeps what it needs only while it runs."""
    return shop.data / "aside"


@pytest.fixture
def server(shop: Shop) -> Iterator[Server]:
    coloured_shop(shop)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    aside(shop).mkdir()
    settings = {"LYCHEE_DATA": str(shop.data), "LYCHEE_ADMIN_KEY": ADMIN, "LYCHEE_RERANKER": "none"}
    settings |= {"LYCHEE_AT_ONCE": "8", "TMPDIR": str(aside(shop))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.serving_process", "load", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        yield Server(process, port)
        with suppress(ProcessLookupError):
            process.kill()


def test_requests_under_way_are_answered_and_confirmed_writes_are_kept(server: Server, shop: Shop) -> None:
    clients = [threading.Thread(target=server.search_until_gone) for _ in range(4)]
    clients += [threading.Thread(target=server.write_until_gone, args=(name,)) for name in ("a", "b")]
    for client in clients:
        client.start()
    while len(server.confirmed) < 4 or len(server.statuses) < 12:
        time.sleep(0.02)
    stopped = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=40)
    for client in clients:
        client.join()

    assert time.monotonic() - stopped < 30
    assert server.process.returncode in (0, -signal.SIGTERM)
    assert server.cut_off == []
    # The system takes connections that the server never does, since it listens no longer: nothing was begun there.
    assert all(began > stopped - 0.2 for began in server.turned_away)
    assert set(server.statuses) <= {200, 409}
    kept = {product.id for product in shop.store.catalog("products").export()}
    assert set(server.confirmed) <= kept


def test_a_request_that_never_ends_does_not_keep_the_server(server: Server, shop: Shop) -> None:
    assert any(aside(shop).iterdir())
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"POST /api/search HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)

        server.process.wait(timeout=30)
    assert server.process.returncode in (0, -signal.SIGTERM)
    assert not any(aside(shop).iterdir())
