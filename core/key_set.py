"""KeySet: which products of a catalog something is about, ready for algebra, look-ups and FAISS's bitmaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.types import Keys

Bitmap = NDArray[np.uint8]

BITS = 8
"""Keys that one byte of a bitmap stands for; a listed key takes as many bytes."""


class KeySet:
    """An immutable set of product keys, compared by identity; safe for many threads.

    Inside it is an ascending list where that is smaller than a bitmap up to the highest key, and a bitmap
    otherwise: keys count up from 1, so that half of a million products are 125 kB and two such sets meet within
    microseconds. The other form is made once it is asked for, and kept.
    """

    __slots__ = ("__weakref__", "_bitmap", "_keys", "_size")

    def __init__(self, keys: Keys | None = None, bitmap: Bitmap | None = None) -> None:
        """Takes a form as it is, the keys ascending and distinct, the last byte not empty; see `of`."""
        for form in (keys, bitmap):
            if form is not None:
                form.flags.writeable = False
        self._keys, self._bitmap = keys, bitmap
        self._size = None if keys is None else len(keys)

    @classmethod
    def of(cls, keys: Keys) -> KeySet:
        """The set of these keys, in any order; ValueError where one is below 0."""
        own = np.array(keys, dtype=np.int64)
        if np.any(own[1:] <= own[:-1]):
            own = np.unique(own)
        if len(own) and own[0] < 0:
            raise ValueError(f"a product's key is never below 0 as {own[0]} is")
        return cls(own) if _is_short(len(own), _bytes_up_to(own)) else cls(None, _bits(own))

    @classmethod
    def of_bitmap(cls, bitmap: Bitmap) -> KeySet:
        """The set of the keys whose bits are set; takes the bitmap over, which may end in empty bytes."""
        return cls(None, _trimmed(bitmap))

    @property
    def keys(self) -> Keys:
        """The keys, ascending."""
        if self._keys is None:
            # As truth values, not as numbers, the bits are looked through ten times as fast.
            bits = np.unpackbits(self.bitmap, bitorder="little").view(np.bool_)
            keys = np.flatnonzero(bits)
            keys.flags.writeable = False
            self._keys = keys
        return self._keys

    @property
    def bitmap(self) -> Bitmap:
        """Bit k, counted from the lowest of the first byte, is set for key k; as long as the highest key needs."""
        if self._bitmap is None:
            bitmap = _bits(self.keys)
            bitmap.flags.writeable = False
            self._bitmap = bitmap
        return self._bitmap

    @property
    def held_bytes(self) -> int:
        """What the set takes in memory, which grows when its other form is asked for."""
        return sum(form.nbytes for form in (self._keys, self._bitmap) if form is not None)

    def __len__(self) -> int:
        if self._size is None:
            self._size = _set_bits(self.bitmap)
        return self._size

    def __and__(self, other: KeySet) -> KeySet:
        few, many = sorted((self, other), key=len)
        if few._is_list:
            return KeySet(few.keys[many.contains(few.keys)])
        shared = min(len(self.bitmap), len(other.bitmap))
        return KeySet.of_bitmap(self.bitmap[:shared] & other.bitmap[:shared])

    def __or__(self, other: KeySet) -> KeySet:
        if self._is_list and other._is_list:
            return KeySet(np.union1d(self.keys, other.keys))
        short, long = sorted((self.bitmap, other.bitmap), key=len)
        joined = long.copy()
        joined[: len(short)] |= short
        return KeySet(None, joined)

    def __sub__(self, other: KeySet) -> KeySet:
        if self._is_list:
            return KeySet(self.keys[~other.contains(self.keys)])
        left = self.bitmap.copy()
        shared = min(len(left), len(other.bitmap))
        left[:shared] &= ~other.bitmap[:shared]
        return KeySet.of_bitmap(left)

    def contains(self, keys: Keys) -> NDArray[np.bool_]:
        """Which of the keys are in the set; they come in any order, and unknown ones are in none."""
        if not len(self):
            return np.zeros(len(keys), np.bool_)
        keys = np.ascontiguousarray(keys, np.int64)
        if self._bitmap is None and self._is_list:
            place = np.minimum(np.searchsorted(self.keys, keys), len(self) - 1)
            listed: NDArray[np.bool_] = self.keys[place] == keys
            return listed
        bitmap = self.bitmap
        # As numbers without a sign, those below 0 are beyond the end, too.
        inside = keys.view(np.uint64) < len(bitmap) * BITS
        known = keys if inside.all() else np.where(inside, keys, 0)
        bits: NDArray[np.bool_] = (bitmap[known >> 3] >> (known & 7).astype(np.uint8) & 1).view(np.bool_)
        return bits & inside

    @property
    def _is_list(self) -> bool:
        """Whether the list is the smaller form."""
        return _is_short(len(self), _bytes_up_to(self._keys) if self._bitmap is None else len(self._bitmap))


def _is_short(size: int, bitmap_bytes: int) -> bool:
    return size * BITS <= bitmap_bytes


def _bytes_up_to(keys: Keys | None) -> int:
    return 0 if keys is None or not len(keys) else int(keys[-1]) // BITS + 1


def _bits(keys: Keys) -> Bitmap:
    present = np.zeros(_bytes_up_to(keys) * BITS, np.bool_)
    present[keys] = True
    return np.packbits(present, bitorder="little")


def _set_bits(bitmap: Bitmap) -> int:
    whole = len(bitmap) & ~7
    words = np.bitwise_count(bitmap[:whole].view(np.uint64)).sum(dtype=np.int64)
    return int(words + np.bitwise_count(bitmap[whole:]).sum(dtype=np.int64))


def _trimmed(bitmap: Bitmap) -> Bitmap:
    """Without the empty bytes at the end."""
    return bitmap if not len(bitmap) or bitmap[-1] else bitmap[: len(bitmap.tobytes().rstrip(b"\0"))].copy()
