"""Above some ten thousand rows the index answers from codes: nearly as exact, and never short."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.synthetic import SyntheticShop
from core.key_set import KeySet
from core.types import VectorBatch
from core.vector_index import VectorIndex

ROWS, DIM, PICTURES = 30_000, 32, 3
NONE = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def shop() -> SyntheticShop:
    return SyntheticShop.open(dim=DIM, kinds=300)


@pytest.fixture(scope="module")
def vectors(shop: SyntheticShop) -> NDArray[np.float32]:
    """Every product has three pictures: rows 0-2 are of key 0, rows 3-5 of key 1, …"""
    return np.concatenate(list(shop.vectors(ROWS))).astype(np.float16).astype(np.float32)


@pytest.fixture(scope="module")
def index(vectors: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory) -> VectorIndex:
    keys = np.repeat(np.arange(ROWS // PICTURES), PICTURES)
    batch = VectorBatch(keys, vectors, None, np.ones(ROWS, np.float32))
    return VectorIndex.publish(tmp_path_factory.mktemp("large"), [batch], fingerprint="synthetic", revision=1)


def exact(vectors: NDArray[np.float32], query: NDArray[np.float32], allowed: NDArray[np.bool_]) -> list[int]:
    """The right answer: every product by its best picture, best first."""
    best = (vectors @ query).reshape(-1, PICTURES).max(axis=1)
    best[~allowed] = -np.inf
    return [int(key) for key in np.argsort(-best, kind="stable")[:100]]


def recall(
    index: VectorIndex, queries: NDArray[np.float32], truth: list[list[int]], among: KeySet | None = None
) -> float:
    found = [set(index.nearest(query, 100, among=among)[0].tolist()) for query in queries]
    assert {len(answer) for answer in found} == {100}
    return float(
        np.mean([len(answer & set(right)) / 100 for answer, right in zip(found, truth, strict=True)])
    )


def test_nearly_all_of_the_exact_answer_is_found(
    index: VectorIndex, shop: SyntheticShop, vectors: NDArray[np.float32]
) -> None:
    queries = shop.queries(vectors, 40)
    everything = np.ones(ROWS // PICTURES, np.bool_)

    assert recall(index, queries, [exact(vectors, query, everything) for query in queries]) >= 0.97


@pytest.mark.parametrize("part", [0.9, 0.5, 0.02])
def test_a_filter_neither_shortens_nor_spoils_the_answer(
    index: VectorIndex, shop: SyntheticShop, vectors: NDArray[np.float32], part: float
) -> None:
    queries = shop.queries(vectors, 20)
    allowed = np.random.default_rng(5).random(ROWS // PICTURES) < part

    truth = [exact(vectors, query, allowed) for query in queries]

    assert recall(index, queries, truth, among=KeySet.of(np.flatnonzero(allowed))) >= 0.97


def test_the_answer_is_whole_when_all_that_was_near_is_gone(
    index: VectorIndex, shop: SyntheticShop, vectors: NDArray[np.float32]
) -> None:
    query = shop.queries(vectors, 1)[0]
    near = index.nearest(query, 5_000)[0]
    without = index.with_changes([], near, 2)

    keys, _ = without.nearest(query, 100)

    allowed = np.ones(ROWS // PICTURES, np.bool_)
    allowed[near] = False
    assert len(near) == 5_000
    assert len(set(keys.tolist()) & set(exact(vectors, query, allowed))) >= 90


def test_an_answer_may_be_as_long_as_the_index(index: VectorIndex, shop: SyntheticShop) -> None:
    keys, cosines = index.nearest(shop.kinds[0], ROWS)

    assert sorted(keys.tolist()) == list(range(ROWS // PICTURES))
    assert (np.diff(cosines) <= 0).all()


def test_a_wide_filter_holds_for_changes_over_a_large_index(
    index: VectorIndex, shop: SyntheticShop, vectors: NDArray[np.float32]
) -> None:
    query = shop.queries(vectors, 1)[0]
    fresh = VectorBatch(np.array([7, 8]), np.stack([query, query]), None, np.ones(2, np.float32))
    odd = KeySet.of(np.arange(1, ROWS // PICTURES, 2))

    keys, _ = index.with_changes([fresh], NONE, 2).nearest(query, 100, among=odd)

    assert keys[0] == 7
    assert (keys % 2 == 1).all()
    assert len(keys) == 100


def test_changes_over_a_large_index_are_found_beside_the_published(
    index: VectorIndex, shop: SyntheticShop, vectors: NDArray[np.float32]
) -> None:
    query = shop.queries(vectors, 1)[0]
    fresh = VectorBatch(np.array([7, 99_999]), np.stack([query, query]), None, np.ones(2, np.float32))

    keys, _ = index.with_changes([fresh], NONE, 2).nearest(query, 100)

    assert keys[:2].tolist() == [7, 99_999]
    assert len(set(keys.tolist())) == 100
