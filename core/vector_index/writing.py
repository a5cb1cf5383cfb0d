"""Publishing: batches streamed into a new generation, the quick index built from its files, manifest last."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidVector
from core.types import VectorBatch
from core.vector_index.manifest import FileCheck, Manifest
from core.vector_index.published import FEATURES, KEYS, QUICK, SCALES, VECTORS, new_generation
from core.vector_index.quick import QuickIndex


def publish(
    folder: Path, batches: Iterable[VectorBatch], *, fingerprint: str, revision: int, exact: bool
) -> None:
    """Makes the batches the current generation; the old one stays in force until the last byte is synced."""
    with new_generation(folder) as generation:
        with RowFiles(generation) as files:
            for batch in batches:
                files.append(batch)
        if files.count:
            vectors = np.load(generation / VECTORS, mmap_mode="r")
            quick = QuickIndex.build(np.asarray(vectors), exact=exact)
            (generation / QUICK).write_bytes(quick.to_bytes().data)
        checks = {path.name: FileCheck.of(path) for path in sorted(generation.iterdir())}
        Manifest(
            fingerprint=fingerprint,
            dim=files.dim,
            feature_dim=files.feature_dim,
            count=files.count,
            products=files.products,
            revision=revision,
            files=checks,
        ).write(generation)


class RowFiles:
    """The row files of a generation under construction; batches come in key order, one at a time."""

    def __init__(self, generation: Path) -> None:
        self._generation = generation
        self._columns: dict[str, GrowingArray] = {}
        self._last_key = -(1 << 62)
        self.count, self.products, self.dim, self.feature_dim = 0, 0, 0, 0

    def append(self, batch: VectorBatch) -> None:
        """Raises InvalidVector for a row that must not be searched, ValueError for keys out of order."""
        if not len(batch):
            return
        if not self.count:
            self._begin(batch)
        check_batch(batch, dim=self.dim, feature_dim=self.feature_dim)
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

    def _begin(self, batch: VectorBatch) -> None:
        self.dim, self.feature_dim = shape_of(batch)
        self._open_columns()

    def _open_columns(self) -> None:
        folder = self._generation
        self._columns[KEYS] = GrowingArray(folder / KEYS, np.dtype(np.int64), ())
        self._columns[VECTORS] = GrowingArray(folder / VECTORS, np.dtype(np.float16), (self.dim,))
        if self.feature_dim:
            self._columns[FEATURES] = GrowingArray(folder / FEATURES, np.dtype(np.int8), (self.feature_dim,))
            self._columns[SCALES] = GrowingArray(folder / SCALES, np.dtype(np.float32), ())

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


def shape_of(batch: VectorBatch) -> tuple[int, int]:
    """Length of the batch's vectors and of its features (0 without)."""
    return int(batch.vectors.shape[1]), 0 if batch.features is None else int(batch.features.shape[1])


def check_batch(batch: VectorBatch, *, dim: int, feature_dim: int) -> None:
    """Raises InvalidVector, naming the product, where a row can't be compared with the others."""
    if (found := shape_of(batch)) != (dim, feature_dim):
        raise InvalidVector(int(batch.keys[0]), f"it has {found} numbers instead of {(dim, feature_dim)}")
    sound = np.isfinite(batch.vectors).all(axis=1)
    if batch.features is not None:
        sound &= np.isfinite(batch.scales)
    if not sound.all():
        raise InvalidVector(int(batch.keys[np.argmin(sound)]), "it has numbers that are not finite")
