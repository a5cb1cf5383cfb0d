"""The disk's share of the vision cache: a file a picture, checked when read, the least used removed first."""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DISK_BYTES = 20 << 30
"""Ten thousand pictures of 256 visual tokens for the 7B model, in bfloat16."""
KEPT_SHARE = 0.9
"""What is left of the budget when room is made: making room means listing all files."""
_HEAD = struct.Struct("<8s7I16s")
_MAGIC = b"lychee\x00\x01"
_NUMBERS: dict[int, np.dtype[np.unsignedinteger]] = {2: np.dtype(np.uint16), 4: np.dtype(np.uint32)}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a vision tower made of a picture, as bits: their type is the model's."""

    grid: tuple[int, int, int]
    """Patches: frames, rows, columns."""
    bits: NDArray[np.unsignedinteger]
    """Shape (layers, visual tokens, width): the tower's output, then what deeper layers are given, if any."""


class VisionFiles:
    """Vision features by name under one folder; safe for many threads and processes, as good as its files."""

    def __init__(self, folder: Path, *, budget: int = DISK_BYTES) -> None:
        self._folder, self._budget = folder, budget
        self._held: int | None = None
        self._lock = threading.Lock()

    def has(self, name: str) -> bool:
        """Whether something was put under that name; it counts as used."""
        try:
            os.utime(self._path(name))
        except OSError:
            return False
        return True

    def get(self, name: str) -> Stored | None:
        """What was put under that name; None where it isn't there or not what was written."""
        path = self._path(name)
        try:
            found = _unpacked(path.read_bytes())
            os.utime(path)
        except OSError:
            return None
        except ValueError:
            path.unlink(missing_ok=True)
            return None
        return found

    def put(self, name: str, features: Stored) -> None:
        """Keeps the features; a disk that is full or read-only only costs the speed."""
        path, content = self._path(name), _packed(features)
        try:
            _write_whole(path, content)
        except OSError as error:
            _log.warning("vision features are not kept on disk: %s", error)
            return
        with self._lock:
            # Counted anew after each clearing: other processes write here, too.
            self._held = self._listed() if self._held is None else self._held + len(content)
            if self._held > self._budget:
                self._make_room()
                self._held = None

    def _path(self, name: str) -> Path:
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return self._folder / digest[:2] / digest[2:]

    def _listed(self) -> int:
        return sum(size for _, size, _ in self._files())

    def _files(self) -> list[tuple[int, int, Path]]:
        """Of every file when it was last used, its size and its path."""
        found = []
        for path in self._folder.glob("??/*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found.append((status.st_mtime_ns, status.st_size, path))
        return found

    def _make_room(self) -> None:
        files = sorted(self._files())
        held = sum(size for _, size, _ in files)
        for _, size, path in files:
            if held <= self._budget * KEPT_SHARE:
                return
            path.unlink(missing_ok=True)
            held -= size


def _packed(features: Stored) -> bytes:
    bits = np.ascontiguousarray(features.bits)
    content = bits.tobytes()
    numbers = (*features.grid, *bits.shape, bits.itemsize)
    return _HEAD.pack(_MAGIC, *numbers, _digest(numbers, content)) + content


def _unpacked(data: bytes) -> Stored:
    """ValueError for anything that `_packed` didn't write."""
    if len(data) < _HEAD.size:
        raise ValueError("it is cut off")
    magic, *numbers, digest = _HEAD.unpack_from(data)
    content = memoryview(data)[_HEAD.size :]
    kind = _NUMBERS.get(numbers[6])
    if magic != _MAGIC or digest != _digest(numbers, content) or kind is None:
        raise ValueError("it is damaged")
    bits = np.frombuffer(content, dtype=kind).reshape(numbers[3:6])
    return Stored((numbers[0], numbers[1], numbers[2]), bits)


def _digest(numbers: Sequence[int], content: bytes | memoryview) -> bytes:
    digest = hashlib.blake2b(repr(tuple(numbers)).encode(), digest_size=16)
    digest.update(content)
    return digest.digest()


def _write_whole(path: Path, content: bytes) -> None:
    """Writes aside and renames: a crash leaves no half file under the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
