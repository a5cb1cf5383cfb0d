"""How sets of keys and columns of numbers lie in blobs: one for each stretch of neighbouring keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.key_set import KeySet
from core.types import Keys

KEYS_A_CHUNK = 1 << 16
"""A blob of keys has 8 kB at most: what one more product with a value makes a write read and write again."""
NUMBERS_A_CHUNK = 1 << 12
"""A number takes ten bytes beside the two of its key's, so that a blob has 40 kB where each product has one."""
_OFFSET, _NUMBER = np.dtype("<u2"), np.dtype("<f8")


def _bitmap_bytes() -> int:
    return KEYS_A_CHUNK // 8


def packed_keys(offsets: Keys) -> bytes:
    """Ascending places in one chunk: two bytes each, or a bit for every place where that is shorter."""
    if len(offsets) * _OFFSET.itemsize < _bitmap_bytes():
        return offsets.astype(_OFFSET).tobytes()
    present = np.zeros(KEYS_A_CHUNK, np.bool_)
    present[offsets] = True
    return np.packbits(present, bitorder="little").tobytes()


def unpacked_keys(blob: bytes) -> Keys:
    """What `packed_keys` was given."""
    if len(blob) < _bitmap_bytes():
        return np.frombuffer(blob, _OFFSET).astype(np.int64)
    return np.flatnonzero(np.unpackbits(np.frombuffer(blob, np.uint8), bitorder="little").view(np.bool_))


def key_set(chunks: Sequence[tuple[int, bytes]]) -> KeySet:
    """The set whose chunks these are, in ascending order, each behind its number."""
    listed = [
        unpacked_keys(blob) + chunk * KEYS_A_CHUNK for chunk, blob in chunks if len(blob) < _bitmap_bytes()
    ]
    mapped = [(chunk * _bitmap_bytes(), blob) for chunk, blob in chunks if len(blob) == _bitmap_bytes()]
    few = KeySet.of(np.concatenate(listed) if listed else np.empty(0, np.int64))
    if not mapped:
        return few
    bitmap = np.zeros(mapped[-1][0] + _bitmap_bytes(), np.uint8)
    for first, blob in mapped:
        bitmap[first : first + _bitmap_bytes()] = np.frombuffer(blob, np.uint8)
    return few | KeySet.of_bitmap(bitmap)


NumberChunk = tuple[int, bytes, bytes]
"""The number of a chunk, the places of its products and their numbers."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of some products, in the order of their keys; a product may have several."""

    keys: Keys
    values: NDArray[np.float64]

    @classmethod
    def of_chunks(cls, chunks: Iterable[NumberChunk]) -> Numbers:
        """The column whose chunks these are, in ascending order, each behind its number."""
        keys, values = [np.empty(0, np.int64)], [np.empty(0, np.float64)]
        for chunk, offsets, numbers in chunks:
            keys.append(np.frombuffer(offsets, _OFFSET).astype(np.int64) + chunk * NUMBERS_A_CHUNK)
            values.append(np.frombuffer(numbers, _NUMBER))
        return cls(np.concatenate(keys), np.concatenate(values))

    def patched(self, chunks: Sequence[NumberChunk]) -> Numbers:
        """The column with these chunks, in ascending order, in place of what it had there."""
        keys, values, taken = [], [], 0
        for chunk in chunks:
            first, last = np.searchsorted(
                self.keys, (chunk[0] * NUMBERS_A_CHUNK, (chunk[0] + 1) * NUMBERS_A_CHUNK)
            )
            now = Numbers.of_chunks([chunk])
            keys += [self.keys[taken:first], now.keys]
            values += [self.values[taken:first], now.values]
            taken = last
        return Numbers(
            np.concatenate((*keys, self.keys[taken:])), np.concatenate((*values, self.values[taken:]))
        )

    def packed(self, chunks: Sequence[int]) -> list[NumberChunk]:
        """The column as the chunks of these numbers, which all its products must lie in; some may be empty."""
        starts = np.searchsorted(self.keys, [chunk * NUMBERS_A_CHUNK for chunk in chunks])
        ends = [*starts[1:], len(self.keys)]
        return [
            (
                chunk,
                (self.keys[start:end] - chunk * NUMBERS_A_CHUNK).astype(_OFFSET).tobytes(),
                self.values[start:end].astype(_NUMBER).tobytes(),
            )
            for chunk, start, end in zip(chunks, starts, ends, strict=True)
        ]

    def joined(self, other: Numbers) -> Numbers:
        """Both columns as one."""
        keys = np.concatenate((self.keys, other.keys))
        order = np.argsort(keys, kind="stable")
        return Numbers(keys[order], np.concatenate((self.values, other.values))[order])

    def without(self, keys: Keys) -> Numbers:
        """The column less some products."""
        kept = ~np.isin(self.keys, keys)
        return Numbers(self.keys[kept], self.values[kept])
