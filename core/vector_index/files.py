"""Where the files of an index lie: a folder of generations, the current one named by a small file.

A generation is written aside, synced, and becomes current by one atomic rename; readers that hold an older one
keep its mapped files for as long as they need them. Segments that a new generation keeps are linked into it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import DamagedIndex

CURRENT, LOCK, GENERATION, SEGMENT, HIDDEN = "current", "lock", "generation-", "segment-", "hidden-"
REPAIR = "repair.lock"
KEYS, VECTORS, FEATURES, SCALES, QUICK = (
    "keys.npy",
    "vectors.f16.npy",
    "features.i8.npy",
    "scales.npy",
    "index.faiss",
)


def current_generation(folder: Path) -> Path:
    """The folder of the generation in force; raises FileNotFoundError or DamagedIndex."""
    pointer = folder / CURRENT
    name = pointer.read_bytes().decode(errors="replace").strip()
    if not name.startswith(GENERATION) or not name[len(GENERATION) :].isalnum():
        raise DamagedIndex(str(pointer), "it does not name a generation")
    return folder / name


def new_segment(generation: Path) -> Path:
    """A name for a segment's folder that no other has."""
    return generation / f"{SEGMENT}{secrets.token_hex(8)}"


@contextmanager
def publishing(folder: Path, *, waits: bool = True) -> Iterator[None]:
    """Keeps other publishers of the folder waiting; a killed one leaves no lock behind.

    BlockingIOError for one who would have to wait, and doesn't.
    """
    with _alone(folder, LOCK, waits=waits):
        yield


@contextmanager
def repairing(folder: Path) -> Iterator[None]:
    """Keeps others who have found the folder damaged waiting, until they can see whether it still is."""
    with _alone(folder, REPAIR, waits=True):
        yield


@contextmanager
def _alone(folder: Path, name: str, *, waits: bool) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@contextmanager
def new_generation(folder: Path) -> Iterator[Path]:
    """A folder to write into: becomes the current one when the block ends well, vanishes otherwise.

    Only for who is `publishing`.
    """
    aside = folder / f"{GENERATION}{secrets.token_hex(8)}"
    aside.mkdir()
    try:
        yield aside
        _make_current(folder, aside)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    for old in folder.glob(f"{GENERATION}*"):
        if old != aside:
            shutil.rmtree(old, ignore_errors=True)


def link_segment(segment: Path, generation: Path) -> None:
    """Puts a segment into one more generation; its files are shared where the file system can."""
    linked = generation / segment.name
    linked.mkdir()
    for path in segment.iterdir():
        try:
            (linked / path.name).hardlink_to(path)
        except OSError:
            shutil.copy2(path, linked / path.name)
            sync(linked / path.name)


def sync(path: Path) -> None:
    """Waits until a file's bytes, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_current(folder: Path, generation: Path) -> None:
    for path in (*generation.iterdir(), generation):
        sync(path)
    pointer = folder / f"{CURRENT}.new"
    pointer.write_text(generation.name)
    sync(pointer)
    sync(folder)
    pointer.replace(folder / CURRENT)
    sync(folder)
