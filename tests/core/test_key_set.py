"""Sets of keys: the same answers as Python's sets, whichever form they lie in."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

from core.key_set import KeySet
from core.types import Keys

NONE: Keys = np.empty(0, np.int64)
HIGHEST = 5_000


def some(generator: np.random.Generator) -> Keys:
    """Keys of any density: none, a few, half of all, all; near the start or far from it."""
    share = generator.choice([0.0, 0.001, 0.01, 0.3, 1.0])
    keys = np.flatnonzero(generator.random(HIGHEST) < share) + 1
    return np.asarray(keys + generator.choice([0, 3, 20_000]), np.int64)


def as_bitmap(keys: Keys) -> bytes:
    """What FAISS's selector reads."""
    whole = sum(1 << int(key) for key in keys)
    return whole.to_bytes((whole.bit_length() + 7) // 8, "little")


@pytest.mark.parametrize("seed", range(40))
def test_sets_of_keys_answer_as_sets_do(seed: int) -> None:
    generator = np.random.default_rng(seed)
    one, other = some(generator), some(generator)
    left, right = KeySet.of(one), KeySet.of(other)

    for found, expected in (
        (left, set(one.tolist())),
        (left & right, {*one.tolist()} & {*other.tolist()}),
        (left | right, {*one.tolist()} | {*other.tolist()}),
        (left - right, {*one.tolist()} - {*other.tolist()}),
        ((left | right) - left, {*other.tolist()} - {*one.tolist()}),
    ):
        assert len(found) == len(expected)
        assert found.bitmap.tobytes() == as_bitmap(np.array(sorted(expected), np.int64))
        assert found.keys.tolist() == sorted(expected)
        assert found.keys.dtype == np.int64


@pytest.mark.parametrize("seed", range(10))
def test_a_set_knows_its_keys_and_no_others(seed: int) -> None:
    generator = np.random.default_rng(100 + seed)
    keys = some(generator)
    asked = generator.permutation(np.arange(-50, HIGHEST + 30_000))
    few = np.array([-1, np.iinfo(np.int64).max, np.iinfo(np.int64).min, *keys[:3]], np.int64)

    for held in (KeySet.of(keys), KeySet.of(keys) | KeySet.of(keys[::2])):
        assert held.contains(asked).tolist() == np.isin(asked, keys).tolist()
        assert held.contains(few).tolist() == np.isin(few, keys).tolist()
        assert held.contains(NONE).tolist() == []


def test_keys_come_out_ascending_and_distinct_however_they_went_in() -> None:
    assert KeySet.of(np.array([7, 3, 7, 11], np.int64)).keys.tolist() == [3, 7, 11]


def test_the_empty_set_has_an_empty_bitmap() -> None:
    empty = KeySet.of(NONE)

    assert len(empty) == len(empty.keys) == len(empty.bitmap) == 0
    assert len(empty | empty) == len(empty & KeySet.of(np.array([1]))) == 0


def test_a_key_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="-4"):
        KeySet.of(np.array([3, -4], np.int64))


def test_a_set_does_not_change_with_the_array_that_it_was_made_of() -> None:
    keys = np.array([1, 2, 3], np.int64)
    held = KeySet.of(keys)
    keys[0] = 99

    assert held.keys.tolist() == [1, 2, 3]
    for form in (held.keys, held.bitmap):
        with pytest.raises(ValueError, match="read-only"):
            form[0] = 0


def test_few_keys_far_up_take_little_memory() -> None:
    far = KeySet.of(np.array([10_000_000, 10_000_001], np.int64))

    assert (far | far).held_bytes + (far & far).held_bytes + (far - KeySet.of(NONE)).held_bytes < 100


def test_half_of_a_million_keys_take_an_eighth_of_a_byte_for_each_product() -> None:
    assert KeySet.of(np.arange(1, 1_000_000, 2)).held_bytes <= 125_001


def test_sets_are_compared_by_identity_and_can_be_held_weakly() -> None:
    one, same = KeySet.of(np.array([5])), KeySet.of(np.array([5]))
    held = weakref.WeakKeyDictionary({one: "one", same: "same"})

    assert one != same
    assert (held[one], held[same]) == ("one", "same")
    del one
    gc.collect()
    assert list(held.values()) == ["same"]


def test_many_threads_may_ask_one_set_for_both_its_forms() -> None:
    held = KeySet.of(np.arange(0, 300_000, 3))
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(int(held.keys.sum()) + len(held.bitmap)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(found) == {int(np.arange(0, 300_000, 3).sum()) + 299_997 // 8 + 1}
