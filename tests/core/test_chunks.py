"""Sets and columns come out of their blobs as they went in, on both sides of the size where the form changes."""

from __future__ import annotations

import numpy as np
import pytest

from core.catalog.chunks import KEYS_A_CHUNK, NUMBERS_A_CHUNK, Numbers, key_set, packed_keys, unpacked_keys


@pytest.mark.parametrize("count", [0, 1, 4_095, 4_096, 4_097, 30_000, KEYS_A_CHUNK])
def test_places_come_out_as_they_went_in_and_take_eight_kilobytes_at_most(count: int) -> None:
    places = np.sort(np.random.default_rng(count).choice(KEYS_A_CHUNK, count, replace=False))

    blob = packed_keys(places)

    assert unpacked_keys(blob).tolist() == places.tolist()
    assert len(blob) == min(2 * count, 8_192)


def test_a_set_is_put_together_from_lists_and_bitmaps_and_gaps() -> None:
    few, many = np.array([0, 7, KEYS_A_CHUNK - 1]), np.arange(0, KEYS_A_CHUNK, 2)

    found = key_set(
        [(0, packed_keys(few)), (1, packed_keys(many)), (4, packed_keys(few)), (9, packed_keys(many))]
    )

    shifted = [places + chunk * KEYS_A_CHUNK for places, chunk in ((few, 0), (many, 1), (few, 4), (many, 9))]
    assert found.keys.tolist() == np.concatenate(shifted).tolist()


def test_a_column_comes_out_of_its_chunks_and_takes_changed_ones_in() -> None:
    keys = np.array([1, 1, 5, NUMBERS_A_CHUNK, 3 * NUMBERS_A_CHUNK + 9], np.int64)
    column = Numbers(keys, np.array([2.5, -1.0, 0.0, 1e300, 7.0]))

    again = Numbers.of_chunks(column.packed([0, 1, 2, 3]))
    now = Numbers(np.array([NUMBERS_A_CHUNK + 2, 2 * NUMBERS_A_CHUNK], np.int64), np.array([8.0, 9.0]))
    patched = again.patched(now.packed([1, 2]))

    assert (again.keys.tolist(), again.values.tolist()) == (keys.tolist(), column.values.tolist())
    assert patched.keys.tolist() == [1, 1, 5, NUMBERS_A_CHUNK + 2, 2 * NUMBERS_A_CHUNK, keys[-1]]
    assert patched.values.tolist() == [2.5, -1.0, 0.0, 8.0, 9.0, 7.0]
    assert again.patched(Numbers(keys[:0], np.empty(0)).packed([0])).keys.tolist() == keys[3:].tolist()
