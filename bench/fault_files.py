"""Faults of the data folder: index files harmed under a running server or before its start, and a full disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.fault_load import Observed
from bench.fault_processes import ROOT, Server
from bench.fault_stage import Fault, Stage, Writer, report

SMALL_DISK = "64m"
Harm = Callable[[Path], None]


def _removed(index: Path) -> None:
    shutil.rmtree(index)


def _truncated(index: Path) -> None:
    for path in _files(index):
        os.truncate(path, path.stat().st_size // 2)


def _flipped(index: Path) -> None:
    for path in _files(index):
        with path.open("r+b") as file:
            middle = path.stat().st_size // 2
            file.seek(middle)
            byte = file.read(1)
            file.seek(middle)
            file.write(bytes([byte[0] ^ 0x40]))


def _files(index: Path) -> list[Path]:
    return [path for path in index.rglob("*") if path.is_file() and path.stat().st_size]


def _while_serving(harm: Harm) -> Callable[[Stage], Observed]:
    def play(stage: Stage) -> Observed:
        with stage.server() as server, stage.loaded(server) as load:
            moment = time.monotonic()
            harm(server.data / "index")
            load.phase("harmed", 10)
            died = _restarted_if_dead(server)
            load.until_well(since=moment)
            return report(load, server, died, _checked(server))

    return play


def _restarted_if_dead(server: Server) -> str:
    assert server.process is not None
    code = server.process.poll()
    if code is None:
        return "the server lived through it"
    server.begin()
    return f"THE SERVER DIED with {code}, and was started again as a supervisor would"


def _checked(server: Server) -> str:
    command = [sys.executable, "-m", "lychee", "index", "check", "products", "--data", str(server.data)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return f"`lychee index check` afterwards: {' '.join((checked.stdout + checked.stderr).split())[:200]}"


def _before_start(harm: Harm) -> Callable[[Stage], Observed]:
    def play(stage: Stage) -> Observed:
        with stage.server() as server, stage.loaded(server) as load:
            server.kill()
            harm(server.data / "index")
            moment = time.monotonic()
            server.begin()
            load.until_well("started again", since=moment)
            return report(load, server, _checked(server))

    return play


@contextmanager
def _small_disk(stage: Stage) -> Iterator[Path]:
    folder = stage.folder("disk")
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def _fill(path: Path) -> None:
    """To the last byte, of a disk of its own alone: everybody else works on the others."""
    if not path.parent.is_mount():
        raise RuntimeError(f"{path.parent} is no disk of its own")
    with path.open("wb", buffering=0) as file:
        for piece in (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * piece)


def _full_disk(stage: Stage) -> Observed:
    with _small_disk(stage) as disk:
        data = stage.demo(disk / "data")
        with (
            stage.server(data) as server,
            stage.loaded(server) as load,
            Writer(server, pictured=True) as writer,
        ):
            load.phase("writing", 5)
            _fill(disk / "filler")
            load.phase("full", 4)
            ingested = _ingested(stage, server)
            load.phase("full, after an ingest", 6)
            (disk / "filler").unlink()
            load.until_well()
            before = len(writer.acknowledged)
            time.sleep(4)
            went_on = f"{len(writer.acknowledged) - before} writes acknowledged in the 4 s afterwards"
            return report(load, server, writer.summary(), ingested, went_on, writer.kept(), _checked(server))


def _ingested(stage: Stage, server: Server) -> str:
    """An ingest of a few hundred products onto the full disk."""
    feed = stage.folder("feed.jsonl")
    rows = [{"id": f"i{number}", "title": f"zzgadget of the feed {number}"} for number in range(400)]
    feed.write_text("\n".join(json.dumps(row) for row in rows))
    command = [
        sys.executable,
        "-m",
        "lychee",
        "ingest",
        str(feed),
        "--catalog",
        "fed",
        "--data",
        str(server.data),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = ended.stderr.strip().splitlines()
    return (
        f"an ingest meanwhile ended with {ended.returncode}: {said[-1][:200] if said else 'without a word'}"
    )


def _index_anew_on_full_disk(stage: Stage) -> Observed:
    """The index can't be made anew where there is no room: what is open serves on."""
    with _small_disk(stage) as disk:
        data = stage.demo(disk / "data")
        with stage.server(data) as server, stage.loaded(server) as load:
            shutil.rmtree(data / "index")
            _fill(disk / "filler")
            load.phase("no index, no room", 10)
            server.kill()
            server.begin()
            load.phase("started again without room", 15)
            assert server.process is not None
            died = (
                ""
                if server.process.poll() is None
                else "it did not start without room; a supervisor tries again"
            )
            (disk / "filler").unlink()
            moment = time.monotonic()
            if server.process.poll() is not None:
                server.begin()
            load.until_well(since=moment)
            return report(load, server, died or "it started without room", _checked(server))


HARMS: dict[str, tuple[str, Harm]] = {
    "removed": ("the whole folder of indexes removed", _removed),
    "truncated": ("every file of the indexes cut to half its length in place", _truncated),
    "flipped": ("a bit in the middle of every file of the indexes turned over in place", _flipped),
}
FAULTS = [
    *(
        Fault(f"index-{name}", f"{said} while serving", _while_serving(harm))
        for name, (said, harm) in HARMS.items()
    ),
    *(
        Fault(f"restart-index-{name}", f"{said}, and the server started over that", _before_start(harm))
        for name, (said, harm) in HARMS.items()
    ),
    Fault(
        "disk-full",
        f"a disk of {SMALL_DISK} filled to the last byte while products with pictures are put",
        _full_disk,
    ),
    Fault(
        "disk-full-no-index",
        "the same, with the indexes removed and the server killed and started again while there is no room",
        _index_anew_on_full_disk,
    ),
]
