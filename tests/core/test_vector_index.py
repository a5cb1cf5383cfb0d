"""The vector index answers which products are near, over what was published and what changed since."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import InvalidVector
from core.key_set import KeySet
from core.types import Keys, VectorBatch
from core.vector_index import VectorIndex

RED, GREEN, BLUE, ORANGE, PINK = (1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (0.8, 0.6, 0), (0.8, 0, 0.6)
Colour = tuple[float, float, float]
NONE = np.empty(0, np.int64)
TWICE_RED = np.array([*RED, *RED], np.float32)


def vector(colour: Colour) -> NDArray[np.float32]:
    return np.array(colour, np.float32)


def pictures(*rows: tuple[int, Colour], featured: bool = False) -> VectorBatch:
    """One row a picture: the product's key and the picture's colour; its features are the colour twice."""
    vectors = np.array([colour for _, colour in rows], np.float32).reshape(-1, 3)
    features = np.round(np.hstack([vectors, vectors]) * 100).astype(np.int8) if featured else None
    keys = np.array([key for key, _ in rows], np.int64)
    return VectorBatch(keys, vectors, features, np.full(len(rows), 0.01, np.float32))


def publish(folder: Path, *batches: VectorBatch) -> VectorIndex:
    return VectorIndex.publish(folder, batches, fingerprint="colours", revision=1)


@pytest.fixture
def shop(tmp_path: Path) -> VectorIndex:
    return publish(tmp_path, pictures((1, RED), (2, GREEN)), pictures((3, BLUE), (4, ORANGE), (4, PINK)))


def test_the_nearest_products_come_first_with_their_cosines(shop: VectorIndex) -> None:
    keys, cosines = shop.nearest(vector(RED), 2)

    assert keys.tolist() == [1, 4]
    assert cosines == pytest.approx([1.0, 0.8], abs=1e-3)


def test_a_product_with_several_pictures_is_answered_once_by_its_best(shop: VectorIndex) -> None:
    keys, cosines = shop.nearest(vector(PINK), 10)

    assert sorted(keys.tolist()) == [1, 2, 3, 4]
    assert keys[0] == 4
    assert cosines[0] == pytest.approx(1.0, abs=1e-3)


def test_products_as_near_as_each_other_come_in_the_order_of_their_keys(tmp_path: Path) -> None:
    index = publish(tmp_path, pictures(*((key, GREEN) for key in range(1, 40))))

    assert index.nearest(vector(GREEN), 5)[0].tolist() == [1, 2, 3, 4, 5]


def test_only_products_among_the_given_ones_are_answered(shop: VectorIndex) -> None:
    assert shop.nearest(vector(RED), 5, among=KeySet.of(np.array([2, 3, 99])))[0].tolist() == [2, 3]
    assert len(shop.nearest(vector(RED), 5, among=KeySet.of(NONE))[0]) == 0


def test_a_changed_product_is_found_by_its_new_vectors_only(shop: VectorIndex) -> None:
    changed = shop.with_changes([pictures((1, BLUE))], NONE, 2)

    assert changed.nearest(vector(BLUE), 2)[0].tolist() == [1, 3]
    assert changed.nearest(vector(RED), 1)[0].tolist() == [4]
    assert (changed.revision, len(changed)) == (2, 5)


def test_added_products_are_found_and_removed_ones_are_not(shop: VectorIndex) -> None:
    changed = shop.with_changes([pictures((9, RED))], np.array([1, 4]), 2)

    assert changed.nearest(vector(RED), 9)[0].tolist() == [9, 2, 3]
    assert len(changed) == 3


def test_changes_add_up_and_leave_the_snapshots_before_as_they_were(shop: VectorIndex) -> None:
    first = shop.with_changes([pictures((9, RED))], np.array([1]), 2)
    second = first.with_changes([pictures((1, GREEN))], np.array([9]), 3)

    assert second.nearest(vector(GREEN), 2)[0].tolist() == [1, 2]
    assert first.nearest(vector(RED), 1)[0].tolist() == [9]
    assert shop.nearest(vector(RED), 1)[0].tolist() == [1]


def test_a_product_named_as_removed_and_given_anew_stays(shop: VectorIndex) -> None:
    changed = shop.with_changes([pictures((1, BLUE))], np.array([1, 2]), 2)

    assert changed.nearest(vector(BLUE), 9)[0].tolist() == [1, 3, 4]


def test_among_holds_for_changes_too(shop: VectorIndex) -> None:
    changed = shop.with_changes([pictures((9, RED), (10, PINK))], np.array([4]), 2)

    assert changed.nearest(vector(RED), 5, among=KeySet.of(np.array([2, 4, 10])))[0].tolist() == [10, 2]


def test_an_empty_index_answers_nothing_and_takes_changes(tmp_path: Path) -> None:
    empty = publish(tmp_path)

    changed = empty.with_changes([pictures((5, RED), featured=True)], NONE, 2)

    assert len(empty) == len(empty.nearest(vector(RED), 5)[0]) == 0
    assert np.isnan(empty.similarities(vector(RED), np.array([5]))).all()
    assert empty.background(vector(RED)) == (0.0, 0.0)
    assert changed.nearest(vector(RED), 5)[0].tolist() == [5]
    assert changed.similarities(TWICE_RED, np.array([5])) == pytest.approx([2.0])


def test_removing_everything_leaves_nothing_to_find(shop: VectorIndex) -> None:
    emptied = shop.with_changes([], np.arange(10), 2)

    assert len(emptied) == len(emptied.nearest(vector(RED), 5)[0]) == 0


def test_features_compare_the_best_row_of_each_product(tmp_path: Path) -> None:
    index = publish(tmp_path, pictures((1, RED), (2, GREEN), (2, PINK), featured=True))
    query = TWICE_RED

    resemblances = index.similarities(query, np.array([2, 7, 1]))

    assert resemblances == pytest.approx([1.6, np.nan, 2.0], nan_ok=True)


def test_features_of_changed_products_are_the_new_ones(tmp_path: Path) -> None:
    index = publish(tmp_path, pictures((1, RED), (2, GREEN), featured=True))

    changed = index.with_changes([pictures((2, RED), featured=True)], np.array([1]), 2)

    assert changed.similarities(TWICE_RED, np.array([1, 2])) == pytest.approx([np.nan, 2.0], nan_ok=True)


def test_without_features_the_vectors_are_compared(shop: VectorIndex) -> None:
    keys = np.array([4, 1, 8])

    assert shop.similarities(vector(RED), keys) == pytest.approx([0.8, 1.0, np.nan], abs=1e-3, nan_ok=True)


def test_the_background_says_what_is_usual_in_the_index(tmp_path: Path) -> None:
    index = publish(tmp_path, pictures((1, RED), (2, GREEN), (3, GREEN), (4, GREEN), featured=True))

    mean, deviation = index.background(TWICE_RED)
    mean_after, _ = index.with_changes([], np.array([2, 3, 4]), 2).background(TWICE_RED)

    assert (mean, deviation) == pytest.approx((0.5, 3**0.5 / 2))
    assert mean_after == pytest.approx(2.0)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused_by_its_key(tmp_path: Path, broken: float) -> None:
    with pytest.raises(InvalidVector, match="product key 8 is refused"):
        publish(tmp_path, pictures((7, RED), (8, (broken, 0, 0))))
    with pytest.raises(InvalidVector, match="product key 8"):
        publish(tmp_path, pictures((7, RED))).with_changes([pictures((8, (broken, 0, 0)))], NONE, 2)


def test_vectors_of_another_length_are_refused(shop: VectorIndex) -> None:
    with pytest.raises(ValueError, match="shape"):
        shop.nearest(np.ones(4, np.float32), 3)
    with pytest.raises(InvalidVector, match="instead of"):
        shop.with_changes([pictures((9, RED), featured=True)], NONE, 2)


def test_a_query_that_is_not_finite_is_refused(shop: VectorIndex) -> None:
    with pytest.raises(ValueError, match="not finite"):
        shop.nearest(vector((np.nan, 0, 0)), 3)


def test_many_threads_get_the_same_answers(shop: VectorIndex) -> None:
    changed = shop.with_changes([pictures((9, RED))], np.array([2]), 2)

    def ask(number: int) -> Keys:
        return changed.nearest(vector((RED, BLUE, PINK)[number % 3]), 3)[0]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(300)))

    assert all(answer.tolist() == answers[number % 3].tolist() for number, answer in enumerate(answers))
