"""Quality of one ranking against judgements; gains are linear and ties broken by rank, as trec_eval does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of one ranking, or their means over many."""

    ndcg_10: float
    recall_10: float
    recall_100: float
    precision_10: float
    mrr: float
    hit_1: float


def quality(ranking: Sequence[str], relevances: Mapping[str, int]) -> Quality:
    """`relevances` holds the judged ids; an id that is not in it counts as not relevant."""
    gains = [max(relevances.get(each, 0), 0) for each in ranking]
    relevant = sum(1 for gain in relevances.values() if gain > 0)
    first = next((rank for rank, gain in enumerate(gains, 1) if gain), None)
    return Quality(
        ndcg_10=_ndcg(gains[:10], sorted(relevances.values(), reverse=True)[:10]),
        recall_10=_found(gains[:10]) / relevant if relevant else 0.0,
        recall_100=_found(gains[:100]) / relevant if relevant else 0.0,
        precision_10=_found(gains[:10]) / 10,
        mrr=1 / first if first else 0.0,
        hit_1=1.0 if first == 1 else 0.0,
    )


def mean(qualities: Sequence[Quality]) -> Quality:
    """The mean of each measure; at least one quality is needed."""
    return Quality(
        **{
            each.name: sum(getattr(quality, each.name) for quality in qualities) / len(qualities)
            for each in fields(Quality)
        }
    )


def _found(gains: Sequence[int]) -> int:
    return sum(1 for gain in gains if gain)


def _ndcg(gains: Sequence[int], ideal: Sequence[int]) -> float:
    best = _discounted(ideal)
    return _discounted(gains) / best if best else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
