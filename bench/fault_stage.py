"""What every fault is played on: a demo shop that is made once, servers over copies of it, and someone who writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import httpx2

from bench.fault_asking import DEMO, NO_CONNECTION, refusal
from bench.fault_load import Load, Observed
from bench.fault_processes import ADMIN_KEY, REQUEST_SECONDS, ROOT, Server, free_port

WRITTEN_INTO = "others"
"""A catalog beside the one that is searched: what is right to answer stays the same."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong, and how it is played."""

    name: str
    tried: str
    play: Callable[[Stage], Observed]


class Stage:
    """A folder for all that a fault needs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._count = len(list(root.iterdir()))

    def folder(self, name: str) -> Path:
        """A path below the stage that nothing has yet."""
        self._count += 1
        return self.root / f"{self._count}-{name}"

    def demo(self, into: Path | None = None) -> Path:
        """A data folder with the demo shop, copied from one that is ingested once."""
        made = self.root / "demo"
        if not made.exists():
            aside = self.root / "demo.new"
            self.ingest(aside)
            aside.rename(made)
        data = into or self.folder("data")
        shutil.copytree(made, data, dirs_exist_ok=True)
        return data

    def ingest(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        """The demo shop by the command."""
        subprocess.run(
            [sys.executable, "-m", "lychee", "ingest", str(DEMO / "products.jsonl"), "--data", str(data)],
            cwd=ROOT,
            env=os.environ | dict(settings or {}),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @contextmanager
    def server(
        self,
        data: Path | None = None,
        *,
        options: tuple[str, ...] = (),
        open_files: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Iterator[Server]:
        """A server that answers; over a new copy of the demo shop unless told otherwise."""
        server = Server(
            data or self.demo(),
            settings or {},
            self.folder("server.log"),
            free_port(),
            options=options,
            open_files=open_files,
        )
        try:
            server.start()
            yield server
        finally:
            server.stop()

    @contextmanager
    def loaded(self, server: Server, seconds: float = 5.0, *, fresh: bool = False) -> Iterator[Load]:
        """The load, after a stretch in which all is well; see Load."""
        with Load(server.url, limit_seconds=REQUEST_SECONDS, fresh=fresh) as load:
            load.phase("before", seconds)
            yield load


def report(load: Load, server: Server, *notes: str) -> Observed:
    """What the load saw, and what the server's log says that it should not."""
    observed = load.observed()
    observed.notes.extend(notes)
    unforeseen = server.unforeseen()
    if unforeseen:
        observed.notes.append(f"{len(unforeseen)} unforeseen lines in the log: {Counter(unforeseen)}")
    return observed


@dataclass(slots=True)
class Written:
    """One product that was sent."""

    product_id: str
    outcome: str
    reason: str
    seconds: float


@dataclass(slots=True)
class Writer:
    """Puts one product after the other, and remembers which were acknowledged."""

    server: Server
    pictured: bool = False
    """Whether each has a picture of its own, so that files are written, too."""
    written: list[Written] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Writer:
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        assert self._thread is not None
        self._thread.join()

    @property
    def acknowledged(self) -> list[str]:
        """The ids of what was answered 200."""
        return [each.product_id for each in self.written if each.outcome == "200"]

    def summary(self) -> str:
        """How many of each outcome, and with which reasons."""
        counts = Counter(each.outcome for each in self.written)
        reasons = Counter(each.reason for each in self.written if each.reason)
        said = "; ".join(f"{count} × “{reason[:160]}”" for reason, count in reasons.most_common(4))
        slowest = max((each.seconds for each in self.written), default=0.0)
        return f"writes: {dict(counts)}, the slowest {slowest:.1f} s" + (f"; {said}" if said else "")

    def lost(self) -> list[str]:
        """What was acknowledged and isn't there."""
        with self._client() as client:
            path = "/api/products/{}?catalog=" + WRITTEN_INTO
            return [
                each
                for each in self.acknowledged
                if client.get(path.format(each)).status_code != httpx2.codes.OK
            ]

    def kept(self) -> str:
        """Whether every acknowledged product is there."""
        lost = self.lost()
        there = len(self.acknowledged) - len(lost)
        return f"of {len(self.acknowledged)} acknowledged writes {there} are there" + (
            f", LOST: {lost[:5]}" if lost else ""
        )

    def _write(self) -> None:
        with self._client() as client:
            for number in range(1_000_000):
                if self._over.is_set():
                    return
                self.written.append(self._put(client, f"w{number}"))
                time.sleep(0.03)

    def _put(self, client: httpx2.Client, product_id: str) -> Written:
        body = {"title": f"zzgadget {product_id}"}
        if self.pictured:
            body["image_link"] = _noise()
        began = time.monotonic()
        try:
            answer = client.put(f"/api/products/{product_id}?catalog={WRITTEN_INTO}", json=body)
        except httpx2.TransportError as error:
            time.sleep(0.2)
            return Written(product_id, NO_CONNECTION, type(error).__name__, time.monotonic() - began)
        seconds, status = time.monotonic() - began, answer.status_code
        if status == httpx2.codes.OK:
            rejected = answer.json()["rejected"]
            return Written(product_id, "200", str(rejected[0]["reason"]) if rejected else "", seconds)
        kind = answer.headers.get("content-type", "")
        said = refusal(status, kind, answer.content, answer.headers.get("retry-after"))
        return Written(product_id, str(status), said, seconds)

    def _client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.server.url, timeout=90.0, headers={"X-API-Key": ADMIN_KEY})


def _noise() -> str:
    """A picture that no other is like, of some 100 KB."""
    import base64
    from io import BytesIO

    from PIL import Image

    picture, file = Image.frombytes("RGB", (192, 192), os.urandom(192 * 192 * 3)), BytesIO()
    picture.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
