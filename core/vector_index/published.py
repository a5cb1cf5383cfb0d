"""A published index, opened and checked: short files read, the rows of long ones mapped, quick indexes in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import DamagedIndex, EncoderMismatch
from core.types import Keys
from core.vector_index.files import (
    FEATURES,
    HIDDEN,
    KEYS,
    QUICK,
    SCALES,
    VECTORS,
    current_generation,
)
from core.vector_index.gpu import on_card
from core.vector_index.manifest import FileCheck, Manifest, SegmentFacts
from core.vector_index.quick import QuickIndex
from core.vector_index.rows import RowTable, Shape
from core.vector_index.search import Part
from core.vector_index.segment import Segment

READ_BELOW_BYTES = 32 << 20
"""Files below this are kept in memory, where nothing that befalls the disk reaches them; longer ones are mapped.

A mapped file that somebody cuts short ends the process at the next look at what is gone.
"""

Number = TypeVar("Number", bound=np.generic)
Opened = Mapping[str, Segment]
"""Segments that are open already, by name: a name is never given twice, so they need not be read again."""


@dataclass(frozen=True, slots=True)
class Published:
    """One generation, opened."""

    generation: Path
    manifest: Manifest
    parts: tuple[Part, ...]

    def facts_of(self, part: Part) -> SegmentFacts:
        """What the manifest says of a part's segment."""
        return next(each for each in self.manifest.segments if each.name == part.segment.name)


def open_current(folder: Path, *, fingerprint: str, opened: Opened, card: int | None = None) -> Published:
    """Raises FileNotFoundError before the first publication, DamagedIndex, EncoderMismatch.

    Segments of codes go onto the graphics card of that number, if one is given.
    """
    while True:
        generation = current_generation(folder)
        try:
            return _open(generation, fingerprint, opened, card)
        except (DamagedIndex, OSError, EncoderMismatch):
            # A newer generation may have replaced this one while it was being read.
            if current_generation(folder) == generation:
                raise


def verify_current(folder: Path) -> int:
    """Reads every byte of the current generation, how many rows it has; raises as `open_current` does."""
    generation = current_generation(folder)
    manifest = Manifest.read(generation)
    _examine(generation, manifest.hidden, whole=True)
    for facts in manifest.segments:
        _examine(generation / facts.name, facts.files, whole=True)
    return sum(facts.count for facts in manifest.segments)


def _open(generation: Path, fingerprint: str, opened: Opened, card: int | None) -> Published:
    manifest = Manifest.read(generation)
    if manifest.fingerprint != fingerprint:
        raise EncoderMismatch(fingerprint, manifest.fingerprint)
    _examine(generation, manifest.hidden, whole=False)
    parts = tuple(
        Part.of(
            replace(opened[facts.name], effort=facts.effort)
            if facts.name in opened
            else _segment(generation, manifest, facts, card),
            _hidden(generation, facts),
        )
        for facts in manifest.segments
    )
    return Published(generation, manifest, parts)


def _examine(folder: Path, checks: Mapping[str, FileCheck], *, whole: bool) -> None:
    for name, check in checks.items():
        check.examine(folder / name, whole=whole)


def _hidden(generation: Path, facts: SegmentFacts) -> Keys:
    path = generation / f"{HIDDEN}{facts.name}.npy"
    return np.load(path, allow_pickle=False) if path.exists() else np.empty(0, np.int64)


def _segment(generation: Path, manifest: Manifest, facts: SegmentFacts, card: int | None) -> Segment:
    folder = generation / facts.name
    _examine(folder, facts.files, whole=False)
    rows = mapped_rows(folder, (manifest.dim, manifest.feature_dim), facts.count)
    quick = _quick(folder / QUICK)
    if (len(quick), quick.dim) != (facts.count, manifest.dim):
        raise DamagedIndex(str(folder / QUICK), f"it has {len(quick)} rows of {quick.dim}")
    return Segment(facts.name, rows, on_card(rows, quick, card), facts.effort, facts.products)


def _quick(path: Path) -> QuickIndex:
    try:
        return QuickIndex.from_bytes(np.fromfile(path, np.uint8))
    except (RuntimeError, OSError) as error:
        raise DamagedIndex(str(path), f"it cannot be read ({error})") from error


def mapped_rows(folder: Path, shape: Shape, count: int) -> RowTable:
    """The rows in a folder, read or mapped; DamagedIndex where its files are not of that shape."""
    dim, feature_dim = shape
    keys = _mapped(folder / KEYS, np.int64, (count,))
    vectors = _mapped(folder / VECTORS, np.float16, (count, dim))
    if not feature_dim:
        return RowTable(keys, vectors, None, None).with_starts()
    features = _mapped(folder / FEATURES, np.int8, (count, feature_dim))
    scales = np.array(_mapped(folder / SCALES, np.float32, (count,)))
    return RowTable(keys, vectors, features, scales).with_starts()


def _mapped(path: Path, dtype: type[Number], shape: tuple[int, ...]) -> NDArray[Number]:
    try:
        mode: Literal["r"] | None = "r" if path.stat().st_size >= READ_BELOW_BYTES else None
        # A plain array over the mapping: slicing a numpy.memmap costs microseconds each time.
        array: NDArray[Number] = np.asarray(np.load(path, mmap_mode=mode, allow_pickle=False))
    except (ValueError, OSError, EOFError) as error:
        raise DamagedIndex(str(path), f"it cannot be read ({error})") from error
    if array.dtype != dtype or array.shape != shape:
        raise DamagedIndex(
            str(path), f"it holds {array.dtype} {array.shape} instead of {dtype.__name__} {shape}"
        )
    return array
