"""Our measures against trec_eval's, and against figures done by hand."""

from __future__ import annotations

import random

import ir_measures
import pytest
from ir_measures import RR, P, R, nDCG

from search.measures import mean, quality


@pytest.mark.parametrize("seed", range(5))
def test_measures_equal_those_of_trec_eval(seed: int) -> None:
    chance = random.Random(seed)
    relevances = {f"d{n}": chance.choice([0, 0, 0, 1, 2]) for n in range(300)} | {"d0": 1}
    ranking = chance.sample(sorted(relevances), 200)

    found = quality(ranking, relevances)

    run = {"q": {each: float(-rank) for rank, each in enumerate(ranking)}}
    theirs = ir_measures.calc_aggregate([nDCG @ 10, R @ 10, R @ 100, P @ 10, RR], {"q": relevances}, run)
    ours = (found.ndcg_10, found.recall_10, found.recall_100, found.precision_10, found.mrr)
    assert ours == pytest.approx(tuple(theirs[each] for each in (nDCG @ 10, R @ 10, R @ 100, P @ 10, RR)))


def test_a_perfect_ranking_scores_one_and_an_empty_one_nothing() -> None:
    perfect = quality(["a", "b"], {"a": 2, "b": 1})
    empty = quality([], {"a": 2})

    assert (perfect.ndcg_10, perfect.mrr, perfect.hit_1, perfect.recall_10) == (1.0, 1.0, 1.0, 1.0)
    assert (empty.ndcg_10, empty.mrr, empty.hit_1) == (0.0, 0.0, 0.0)
    assert mean([perfect, empty]).ndcg_10 == 0.5
