"""Several processes serve as one: the same answers from each, and nothing is lost when one of them dies."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.parser import text_string_to_metric_families

from api.keys import Allowed, Keyring
from core.catalog import CatalogStore
from core.language import Language
from tests.color_encoder import ColorEncoder
from tests.shops import Shop, coloured_shop

ADMIN = "an-admin-key-of-the-tests"
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
WORKERS = 2


def command(data: Path, port: int, *more: str, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.api.serving_process", "load", "--port", str(port), *more],
        cwd=ROOT,
        env=os.environ
        | {"LYCHEE_DATA": str(data), "LYCHEE_ADMIN_KEY": ADMIN, "LYCHEE_RERANKER": "none"}
        | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def children(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def until(holds: Callable[[], bool]) -> None:
    """Waits generously; how soon something comes is measured elsewhere."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    place: str

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass
class Server:
    """A server of several processes."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request over a connection of its own, which any worker may take."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"content-type": "application/json", "authorization": f"Bearer {ADMIN}"} | headers
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, data, sent)
        answer = connection.getresponse()
        found = Answer(answer.status, answer.read(), answer.getheader("location", ""))
        connection.close()
        return found

    def each(self, method: str, path: str, body: object = None) -> list[Answer]:
        """The same asked so often, and so much at once, that every worker has answered."""
        answers: list[Answer] = []

        def ask() -> None:
            answers.append(self.ask(method, path, body))

        before = self.answered()
        while len(answers) < 200:
            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            now = self.answered()
            if len(now) == WORKERS and all(now[pid] > before.get(pid, 0.0) for pid in now):
                return answers
        raise AssertionError("one worker answers everything")

    def answered(self) -> dict[int, float]:
        """How many requests each worker has answered, from the files that they count in."""
        counted = {}
        for pid in children(self.process.pid):
            with suppress(FileNotFoundError):
                file = self.folder() / "counts" / f"counter_{pid}.db"
                values = MmapedDict.read_all_values_from_file(file)  # type: ignore[no-untyped-call]
                counted[pid] = sum(value for key, value, *_ in values if "lychee_requests_total" in key)
        return counted

    def folder(self) -> Path:
        """What the workers share."""
        for pid in children(self.process.pid):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    before, counts, _ = str(descriptor.readlink()).partition("/counts/")
                    if counts:
                        return Path(before)
        raise FileNotFoundError("no worker counts anything")

    def number(self, name: str, **labels: str) -> float:
        text = self.ask("GET", "/metrics").body.decode()
        families = text_string_to_metric_families(text)
        samples = [sample for family in families for sample in family.samples]
        found = [each.value for each in samples if (each.name, each.labels) == (name, labels)]
        assert len(found) <= 1, f"{name} is there {len(found)} times"
        return found[0] if found else 0.0


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    data = tmp_path_factory.mktemp("workers")
    store = CatalogStore.open(f"sqlite:///{data / 'catalog.db'}")
    yield coloured_shop(Shop(data, store, ColorEncoder(), Language.load()))
    store.close()


@pytest.fixture(scope="module")
def server(shop: Shop) -> Iterator[Server]:
    port = free_port()
    with command(shop.data, port, "--workers", str(WORKERS), LYCHEE_AT_ONCE="8") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"Running on local URL: http://localhost:{port}\n"
        yield Server(process, port)
        with suppress(ProcessLookupError):
            process.kill()


def picture() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (64, 64), (0, 0, 255)).save(kept, "PNG")
    return kept.getvalue()


def ids(answer: Answer) -> list[str]:
    return [hit["id"] for hit in answer.json["hits"]]


def test_every_worker_answers_the_same(server: Server) -> None:
    answers = server.each("GET", "/api/search?q=red+shoe")

    assert {answer.status for answer in answers} == {200}
    assert {tuple(ids(answer)) for answer in answers} == {tuple(ids(answers[0]))}
    assert ids(answers[0])[0] == "red shoe"


def test_connections_that_come_together_are_shared_out(server: Server) -> None:
    before = server.answered()
    together = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=30) for _ in range(8)]
    for connection in together:
        connection.connect()
    for connection in together:
        connection.request("GET", "/healthz")
    for connection in together:
        assert connection.getresponse().status == 200
        connection.close()

    until(lambda: sum(server.answered().values()) >= sum(before.values()) + len(together))
    assert all(answers > before[pid] for pid, answers in server.answered().items())


def test_a_query_picture_is_found_by_every_worker(server: Server) -> None:
    form = b"".join(
        (
            b'--x\r\ncontent-disposition: form-data; name="picture"; filename="a.png"\r\n\r\n',
            picture(),
            b"\r\n--x--\r\n",
        )
    )
    kept = server.ask("POST", "/api/pictures", form, **{"content-type": "multipart/form-data; boundary=x"})
    asked = {"query": {"image": kept.json["image"]}, "limit": 2}

    answers = server.each("POST", "/api/search", asked)
    assert {answer.status for answer in answers} == {200}
    assert {frozenset(ids(answer)) for answer in answers} == {frozenset({"blue shoe", "blue bag"})}


def test_further_pages_from_any_worker_continue_the_same_answer_whatever_was_written(server: Server) -> None:
    whole = ids(server.ask("GET", "/api/search?q=red+shoe&limit=6"))
    first = server.ask("GET", "/api/search?q=red+shoe&limit=2")
    server.ask("PUT", "/api/products/newcomer", {"title": "red shoe"})
    until(lambda: all("newcomer" in ids(each) for each in server.each("GET", "/api/search?q=red+shoe")))

    second = server.each("GET", f"/api/search?q=red+shoe&limit=2&cursor={first.json['cursor']}")
    assert ids(first) == whole[:2]
    assert {tuple(ids(answer)) for answer in second} == {tuple(whole[2:4])}
    assert server.ask("DELETE", "/api/products/newcomer").status < 300


def test_what_one_worker_writes_all_of_them_find(server: Server) -> None:
    sent = {
        "title": "yellow umbrella",
        "image_link": "data:image/png;base64," + base64.b64encode(picture()).decode(),
    }
    assert server.ask("PUT", "/api/products/umbrella", sent).status == 200

    def all_find() -> bool:
        return all(ids(each)[:1] == ["umbrella"] for each in server.each("GET", "/api/search?q=umbrella"))

    until(all_find)


def test_metrics_are_summed_over_the_workers_and_say_each_catalog_once(server: Server) -> None:
    route = {"route": "/healthz", "method": "GET", "status": "200"}
    before = server.number("lychee_requests_total", **route)
    asked = server.each("GET", "/healthz")

    assert server.number("lychee_requests_total", **route) == before + len(asked)
    # Whoever has an answer may be counted for a moment more.
    until(lambda: server.number("lychee_requests_in_flight") == 1)
    assert server.number("lychee_catalog_products", catalog="products") >= 6
    assert server.number("process_resident_memory_bytes") > 0


def test_a_killed_worker_is_replaced_while_the_others_answer(server: Server) -> None:
    before = children(server.process.pid)
    dead = before.pop()
    os.kill(dead, signal.SIGKILL)

    answers = []
    while len(now := children(server.process.pid) - {dead}) < WORKERS or len(server.answered()) < WORKERS:
        answers.append(server.ask("GET", "/api/search?q=red+shoe"))
    assert before < now
    assert {answer.status for answer in answers} == {200}
    assert {answer.status for answer in server.each("GET", "/api/search?q=red+shoe")} == {200}
    # Whoever has an answer may be counted for a moment more.
    until(lambda: server.number("lychee_requests_in_flight") == 1)


def test_told_to_stop_they_finish_what_is_under_way_and_leave_nothing(server: Server) -> None:
    workers = children(server.process.pid)
    folder = server.folder()
    statuses: list[int] = []
    asking = [
        threading.Thread(
            target=lambda: statuses.append(server.ask("GET", "/api/search?q=green+bag&limit=3").status)
        )
        for _ in range(4)
    ]
    for thread in asking:
        thread.start()
    until(lambda: server.number("lychee_requests_in_flight") > 1)
    server.process.send_signal(signal.SIGTERM)
    for thread in asking:
        thread.join()

    assert server.process.wait(timeout=40) == 0
    assert statuses == [200] * 4
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert not folder.exists()
    assert server.process.stdout is not None
    assert server.process.stdout.read() == ""


def refused(data: Path, *more: str, port: int | None = None, **settings: str) -> tuple[int, str]:
    """What a server that can't begin says, and how it ends."""
    with command(data, port or free_port(), *more, **settings) as process:
        out, err = process.communicate(timeout=60)
    assert out == ""
    return process.returncode, err


def test_no_workers_and_too_many_are_wrong_use(tmp_path: Path) -> None:
    assert refused(tmp_path, "--workers", "0")[0] == 2
    code, said = refused(tmp_path, "--workers", "1000")
    assert code == 2
    assert "--workers 1000 is too many" in said


def test_a_rate_that_each_would_count_for_itself_is_refused_by_name(tmp_path: Path) -> None:
    code, said = refused(tmp_path, "--workers", "2", LYCHEE_RATE_LIMIT="60/minute")
    assert code == 2
    assert "LYCHEE_RATE_LIMIT with --workers 2 needs LYCHEE_RATE_STORE=redis://" in said

    key, _ = Keyring(tmp_path).create("search", "a shop", Allowed(rate="60/minute"))
    assert f"the rate of key {key.id} with --workers 2" in refused(tmp_path, "--workers", "2")[1]


def test_a_taken_port_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refused(tmp_path, "--workers", "2", port=taken.getsockname()[1])

    assert code == 2
    assert said.splitlines()[-1].startswith("lychee: cannot listen on")
    assert "Loading" not in said


def test_what_keeps_all_of_them_from_serving_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"this is no database, and far too short to be one" * 100)

    code, said = refused(tmp_path, "--workers", "2")
    assert code != 0
    assert said.count("cannot use data folder") == 1
    assert "Traceback" not in said
