"""The bench of recall compares like with like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.filtered import measure_filters
from bench.race import Goal, race, recall, true_neighbours
from bench.rivals import Efforts, FaissExact, MissingBenchExtra, Ours, RowNumbers, bench_module
from bench.vectors import Floats, VectorSet, made_up_vectors

ROWS, DIM = 3_000, 32


class FirstRows:
    """Compares a query with the first rows only, as many as its effort says."""

    name, build_seconds, bytes_per_vector = "first rows", 0.0, 0.0
    efforts: Efforts = (300, 1_500, 2_970, 2_999, 3_000)

    def __init__(self, rows: VectorSet) -> None:
        self._rows = rows.rows.astype(np.float32)
        self._seen = 0

    def set_effort(self, effort: int) -> None:
        self._seen = effort

    def nearest(self, query: Floats, limit: int) -> RowNumbers:
        return np.argsort(-(self._rows[: self._seen] @ query))[:limit]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> VectorSet:
    return made_up_vectors(tmp_path_factory.mktemp("vectors"), ROWS, dim=DIM)


def test_an_engine_races_at_the_quickest_setting_that_reaches_the_recall(rows: VectorSet) -> None:
    right = true_neighbours(rows, 10)

    result = race([FirstRows(rows)], rows, right, Goal(10, 0.95), turns=2, block=50).results[0]

    assert result.effort == 2_970
    assert result.reached


def test_an_engine_that_never_reaches_the_recall_races_at_its_best_and_is_said_to(rows: VectorSet) -> None:
    wrong = np.full((len(rows.queries), 10), -1)

    result = race([FirstRows(rows)], rows, wrong, Goal(10, 0.99), turns=1, block=20).results[0]

    assert result.effort == 3_000
    assert not result.reached


def test_recall_is_the_share_of_the_right_rows_that_were_answered() -> None:
    assert recall([np.array([1, 2, 9, 8])], [np.array([2, 1, 3, 4])], 4) == 0.5


def test_filtered_answers_are_compared_with_exact_ones(rows: VectorSet, tmp_path: Path) -> None:
    lines = measure_filters(Ours(rows, tmp_path), FaissExact(rows), rows, filters=2)

    assert [line.share for line in lines] == [0.5, 0.1, 0.05, 0.01, 0.005, 0.0005]
    assert all(line.recall == 1.0 for line in lines)


def test_a_rival_that_is_not_installed_is_named_with_the_extra_that_brings_it() -> None:
    with pytest.raises(MissingBenchExtra, match=r"no_such_rival is not installed.*\[bench\]"):
        bench_module("no_such_rival.index")
