"""Writing a segment: batches streamed into row files, then the quick index built from those."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidVector
from core.types import Keys, VectorBatch
from core.vector_index.files import FEATURES, KEYS, QUICK, SCALES, VECTORS, sync
from core.vector_index.manifest import FileCheck, SegmentFacts
from core.vector_index.native import stay_on_this_thread, use_all_processors
from core.vector_index.quick import Plan, QuickIndex
from core.vector_index.rows import Floats, Shape
from core.vector_index.segment import NO_EFFORT
from core.vector_index.tuning import RECALL, Sample, cheapest, effort_of


@dataclass(frozen=True, slots=True)
class Making:
    """How segments are made."""

    recall: float = RECALL
    exact: bool = False
    """No codes, however many rows there are."""
    asked: Callable[[], Floats] | None = None
    """Reads vectors like those that will be searched with, where they differ from those of the rows."""

    gently: bool = False
    """On one processor: searches go on beside it."""

    def sampled(self, keys: Keys, vectors: NDArray[np.float16]) -> Sample:
        """Rows and asked vectors that stand for queries to come."""
        return Sample(keys, vectors, None if self.asked is None else self.asked())


def write_rows(folder: Path, batches: Iterable[VectorBatch], shape: Shape | None) -> RowFiles:
    """A new folder with the rows of the batches, which come in key order and have the shape; without
    one, that of the first batch. OSError, InvalidVector."""
    folder.mkdir()
    with RowFiles(folder, shape) as files:
        for batch in batches:
            files.append(batch)
    return files


def finish_segment(folder: Path, files: RowFiles, making: Making) -> SegmentFacts:
    """Builds the quick index of the rows in a folder; the facts of the whole."""
    stay_on_this_thread() if making.gently else use_all_processors()
    keys, vectors = (np.asarray(np.load(folder / name, mmap_mode="r")) for name in (KEYS, VECTORS))
    effort = NO_EFFORT
    if Plan.of(len(keys), exact=making.exact).exact:
        quick = QuickIndex.build(keys, vectors, exact=True)
    else:
        sample = making.sampled(keys, vectors)
        quick = QuickIndex.build(keys, vectors, seen=sample.see)
        effort = effort_of(cheapest(sample, quick, making.recall), quick)
    (folder / QUICK).write_bytes(quick.to_bytes().data)
    checks = {path.name: FileCheck.of(path) for path in sorted(folder.iterdir())}
    for name in checks:
        sync(folder / name)
    return SegmentFacts(folder.name, files.count, files.products, effort, checks)


class RowFiles:
    """The row files of a segment under construction; batches come in key order, one at a time."""

    def __init__(self, folder: Path, shape: Shape | None) -> None:
        self._folder = folder
        self._columns: dict[str, GrowingArray] = {}
        self._last_key = -(1 << 62)
        self.count, self.products = 0, 0
        self.shape = shape or (0, 0)
        if shape is not None:
            self._open_columns()

    def append(self, batch: VectorBatch) -> None:
        """Raises InvalidVector for a row that must not be searched, ValueError for keys out of order."""
        if not len(batch):
            return
        if not self._columns:
            self.shape = shape_of(batch)
            self._open_columns()
        check_batch(batch, self.shape)
        steps = np.diff(batch.keys, prepend=self._last_key)
        if steps.min() < 0:
            raise ValueError("an index is published from batches in key order")
        self._columns[KEYS].append(batch.keys)
        self._columns[VECTORS].append(batch.vectors)
        if batch.features is not None:
            self._columns[FEATURES].append(batch.features)
            self._columns[SCALES].append(batch.scales)
        self.count += len(batch)
        self.products += int(np.count_nonzero(steps))
        self._last_key = int(batch.keys[-1])

    def _open_columns(self) -> None:
        dim, feature_dim = self.shape
        self._columns[KEYS] = GrowingArray(self._folder / KEYS, np.dtype(np.int64), ())
        self._columns[VECTORS] = GrowingArray(self._folder / VECTORS, np.dtype(np.float16), (dim,))
        if feature_dim:
            self._columns[FEATURES] = GrowingArray(self._folder / FEATURES, np.dtype(np.int8), (feature_dim,))
            self._columns[SCALES] = GrowingArray(self._folder / SCALES, np.dtype(np.float32), ())

    def __enter__(self) -> RowFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._columns and kind is None:
            self._open_columns()
        for column in self._columns.values():
            column.close()


class GrowingArray:
    """A .npy file whose first axis grows; its header is set right when it closes."""

    def __init__(self, path: Path, dtype: np.dtype[np.generic], tail: tuple[int, ...]) -> None:
        self._file = path.open("wb")
        self._dtype, self._tail, self._count = dtype, tail, 0
        self._write_header()
        self._header_bytes = self._file.tell()

    def append(self, rows: NDArray[np.generic]) -> None:
        self._file.write(np.ascontiguousarray(rows, dtype=self._dtype).data)
        self._count += len(rows)

    def close(self) -> None:
        try:
            self._file.seek(0)
            self._write_header()
            # numpy leaves room in the header for a longer first axis, so the rows stay where they are.
            if self._file.tell() != self._header_bytes:
                raise ValueError(f"the header of {self._file.name} changed its length")
        finally:
            self._file.close()

    def _write_header(self) -> None:
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._count, *self._tail),
        }
        np.lib.format.write_array_header_1_0(self._file, header)


def shape_of(batch: VectorBatch) -> Shape:
    """Length of the batch's vectors and of its features."""
    return int(batch.vectors.shape[1]), 0 if batch.features is None else int(batch.features.shape[1])


def check_batch(batch: VectorBatch, shape: Shape) -> None:
    """Raises InvalidVector, naming the product, where a row can't be compared with the others."""
    if (found := shape_of(batch)) != shape:
        raise InvalidVector(int(batch.keys[0]), f"it has {found} numbers instead of {shape}")
    sound = np.isfinite(batch.vectors).all(axis=1)
    if batch.features is not None:
        sound &= np.isfinite(batch.scales)
    if not sound.all():
        raise InvalidVector(int(batch.keys[np.argmin(sound)]), "it has numbers that are not finite")
