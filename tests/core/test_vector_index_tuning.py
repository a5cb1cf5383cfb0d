"""How hard searches look is measured on the index's own vectors, for the recall that is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.synthetic import SyntheticShop
from core.types import VectorBatch
from core.vector_index import Changes, Making, VectorIndex

ROWS, DIM = 30_000, 48
Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def shop() -> SyntheticShop:
    return SyntheticShop.open(dim=DIM, kinds=300)


@pytest.fixture(scope="module")
def vectors(shop: SyntheticShop) -> Floats:
    return np.concatenate(list(shop.vectors(ROWS))).astype(np.float16).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, vectors: Floats) -> Path:
    VectorIndex.publish(tmp_path, [batch(vectors)], fingerprint="synthetic", revision=1)
    return tmp_path


def batch(vectors: Floats, first: int = 1) -> VectorBatch:
    keys = np.arange(first, first + len(vectors), dtype=np.int64)
    return VectorBatch(keys, vectors, None, np.ones(len(vectors), np.float32))


def recall(folder: Path, vectors: Floats, queries: Floats) -> float:
    """Part of the hundred nearest rows that searches find."""
    index = VectorIndex.open(folder, fingerprint="synthetic")
    nearest = np.argsort(-(queries @ vectors.T), axis=1)[:, :100] + 1
    found = [index.nearest(query, 100)[0] for query in queries]
    return float(np.mean([np.isin(right, keys).mean() for right, keys in zip(nearest, found, strict=True)]))


@pytest.mark.parametrize("asked", [0.8, 0.95, 0.995])
def test_searches_find_the_part_that_was_asked_for(folder: Path, vectors: Floats, asked: float) -> None:
    rows = np.random.default_rng(3).choice(ROWS, 100, replace=False)

    VectorIndex.tune(folder, asked, fingerprint="synthetic")

    assert asked - 0.01 <= recall(folder, vectors, vectors[rows])


def test_more_recall_is_said_to_cost_more(folder: Path) -> None:
    low, high = (VectorIndex.tune(folder, asked, fingerprint="synthetic")[0] for asked in (0.8, 0.995))

    assert low.trial is not None
    assert high.trial is not None
    assert low.trial.cost_ns < high.trial.cost_ns
    assert low.trial.recall_long >= 0.8
    assert high.trial.recall_long >= 0.995
    assert 2 * DIM < high.bytes_a_row < 2 * DIM + 80


def test_vectors_unlike_the_rows_are_searched_as_well_as_asked(
    folder: Path, shop: SyntheticShop, vectors: Floats
) -> None:
    queries = shop.queries(vectors, 150)

    VectorIndex.tune(folder, 0.97, fingerprint="synthetic", making=Making(asked=lambda: queries))

    assert recall(folder, vectors, queries) >= 0.96


def test_tuning_publishes_the_same_rows_and_changes_no_revision(folder: Path) -> None:
    before = VectorIndex.open(folder, fingerprint="synthetic")

    VectorIndex.tune(folder, 0.9, fingerprint="synthetic")

    after = VectorIndex.open(folder, fingerprint="synthetic")
    assert (len(after), after.revision) == (len(before), before.revision)
    assert not before.is_over(folder)
    assert after.is_over(folder)


def test_what_is_merged_later_keeps_to_the_recall(folder: Path, shop: SyntheticShop, vectors: Floats) -> None:
    VectorIndex.tune(folder, 0.995, fingerprint="synthetic")
    added = np.concatenate(list(shop.vectors(2 * ROWS)))[ROWS:].astype(np.float16).astype(np.float32)

    VectorIndex.publish_changes(
        folder,
        lambda _: Changes([batch(added, ROWS + 1)], np.empty(0, np.int64), 2),
        fingerprint="synthetic",
    )

    everything = np.concatenate([vectors, added])
    assert len(VectorIndex.open(folder, fingerprint="synthetic")) == 2 * ROWS
    assert recall(folder, everything, everything[:60]) >= 0.985


def test_an_exact_index_needs_no_tuning(tmp_path: Path, vectors: Floats) -> None:
    VectorIndex.publish(tmp_path, [batch(vectors[:500])], fingerprint="synthetic", revision=1)

    assert VectorIndex.tune(tmp_path, 0.99, fingerprint="synthetic") == []
    assert recall(tmp_path, vectors[:500], vectors[:20]) == 1.0


def test_many_queries_at_once_get_what_each_gets_alone(
    folder: Path, shop: SyntheticShop, vectors: Floats
) -> None:
    index = VectorIndex.open(folder, fingerprint="synthetic")
    changed = index.with_changes([batch(vectors[:50], 70_000)], np.array([5, 6]), 2)
    queries = shop.queries(vectors, 20)

    for (keys, cosines), query in zip(changed.nearest_many(queries, 30), queries, strict=True):
        alone_keys, alone_cosines = changed.nearest(query, 30)
        assert keys.tolist() == alone_keys.tolist()
        assert cosines == pytest.approx(alone_cosines)
