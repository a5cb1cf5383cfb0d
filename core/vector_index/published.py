"""A published index on disk: a folder of generations, the current one named by a small file.

A generation is written aside, synced, and becomes current by one atomic rename; readers that hold an older
one keep its mapped files for as long as they need them.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import DamagedIndex, EncoderMismatch
from core.vector_index.manifest import Manifest
from core.vector_index.quick import QuickIndex
from core.vector_index.rows import RowTable

Number = TypeVar("Number", bound=np.generic)

CURRENT, LOCK, GENERATION = "current", "lock", "generation-"
KEYS, VECTORS, FEATURES, SCALES, QUICK = (
    "keys.npy",
    "vectors.f16.npy",
    "features.i8.npy",
    "scales.npy",
    "index.faiss",
)


@dataclass(frozen=True, slots=True)
class Published:
    """One generation, opened: its rows mapped, its quick index in memory."""

    manifest: Manifest
    rows: RowTable
    quick: QuickIndex | None
    """None for an index without rows."""


def open_current(folder: Path, *, fingerprint: str) -> Published:
    """Raises FileNotFoundError before the first publication, DamagedIndex, EncoderMismatch."""
    while True:
        generation = current_generation(folder)
        try:
            return _open(generation, fingerprint)
        except (DamagedIndex, OSError, EncoderMismatch):
            # A newer generation may have replaced this one while it was being read.
            if current_generation(folder) == generation:
                raise


def current_generation(folder: Path) -> Path:
    """The folder of the generation in force; raises FileNotFoundError or DamagedIndex."""
    pointer = folder / CURRENT
    name = pointer.read_bytes().decode(errors="replace").strip()
    if not name.startswith(GENERATION) or not name[len(GENERATION) :].isalnum():
        raise DamagedIndex(str(pointer), "it does not name a generation")
    return folder / name


def verify_current(folder: Path) -> Manifest:
    """Reads every byte of the current generation; raises as `open_current` does."""
    generation = current_generation(folder)
    manifest = Manifest.read(generation)
    for name, check in manifest.files.items():
        check.examine(generation / name, whole=True)
    return manifest


@contextmanager
def new_generation(folder: Path) -> Iterator[Path]:
    """A folder to write into: becomes the current one when the block ends well, vanishes otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("wb") as lock:
        # One publisher at a time; a killed one leaves no lock behind.
        fcntl.flock(lock, fcntl.LOCK_EX)
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


def _open(generation: Path, fingerprint: str) -> Published:
    manifest = Manifest.read(generation)
    if manifest.fingerprint != fingerprint:
        raise EncoderMismatch(fingerprint, manifest.fingerprint)
    for name, check in manifest.files.items():
        check.examine(generation / name, whole=False)
    rows = _mapped_rows(generation, manifest)
    if not manifest.count:
        return Published(manifest, rows, None)
    quick = _quick(generation / QUICK)
    if (len(quick), quick.dim) != (manifest.count, manifest.dim):
        raise DamagedIndex(str(generation / QUICK), f"it has {len(quick)} rows of {quick.dim}")
    return Published(manifest, rows, quick)


def _quick(path: Path) -> QuickIndex:
    try:
        return QuickIndex.from_bytes(np.fromfile(path, np.uint8))
    except (RuntimeError, OSError) as error:
        raise DamagedIndex(str(path), f"it cannot be read ({error})") from error


def _mapped_rows(generation: Path, manifest: Manifest) -> RowTable:
    count, dim, feature_dim = manifest.count, manifest.dim, manifest.feature_dim
    keys = np.array(_mapped(generation / KEYS, np.int64, (count,)))
    vectors = _mapped(generation / VECTORS, np.float16, (count, dim))
    if not feature_dim:
        return RowTable(keys, vectors, None, None)
    features = _mapped(generation / FEATURES, np.int8, (count, feature_dim))
    scales = np.array(_mapped(generation / SCALES, np.float32, (count,)))
    return RowTable(keys, vectors, features, scales)


def _mapped(path: Path, dtype: type[Number], shape: tuple[int, ...]) -> NDArray[Number]:
    try:
        # A plain array over the mapping: slicing a numpy.memmap costs microseconds each time.
        array: NDArray[Number] = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, OSError, EOFError) as error:
        raise DamagedIndex(str(path), f"it cannot be read ({error})") from error
    if array.dtype != dtype or array.shape != shape:
        raise DamagedIndex(
            str(path), f"it holds {array.dtype} {array.shape} instead of {dtype.__name__} {shape}"
        )
    return array
