"""From a ranking to the answer of /api/rerank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.judge_schemas import (
    EchoBody,
    FailureBody,
    Item,
    JudgedCheckBody,
    RankingBody,
    ResultBody,
    SingleBody,
)
from core.errors import InvalidDocument
from core.types import Score
from rerank.instructions import Preset
from rerank.ranking import RankedDocument, Ranking

DIGITS = 6
"""Of a score in an answer; order, bands and flags go by the whole number."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of the judge: what an answer says beside the scores."""

    preset: Preset
    instruction: str
    took_ms: float


def echo_of(item: Item) -> str | EchoBody:
    """The document as an answer repeats it: all of its words, not its picture."""
    return item if isinstance(item, str) else EchoBody(text=item.text, image=bool(item.image))


def single_body(ranking: Ranking, use: Use) -> SingleBody:
    """The answer for the only document; InvalidDocument where it could not be judged."""
    (item,) = ranking.items
    if item.score is None:
        raise InvalidDocument("document", str(item.error))
    return SingleBody(**_score(item, use.preset, _both_ways(ranking)), **_used(ranking, use))


def ranking_body(ranking: Ranking, echoes: Sequence[str | EchoBody], use: Use) -> RankingBody:
    """The answer for many documents, each repeated as in `echoes`."""
    both_ways = _both_ways(ranking)
    return RankingBody(
        results=[
            ResultBody(index=item.index, document=echoes[item.index], **_score(item, use.preset, both_ways))
            for item in ranking.items
        ],
        scored=ranking.of - sum(item.score is None for item in ranking.failed),
        of=ranking.of,
        failed=[FailureBody(index=item.index, error=str(item.error)) for item in ranking.failed],
        **_used(ranking, use),
    )


def _used(ranking: Ranking, use: Use) -> dict[str, Any]:
    return {
        "model": ranking.model,
        "preset": use.preset.name,
        "instruction": use.instruction,
        "took_ms": round(use.took_ms, 1),
    }


def _score(item: RankedDocument, preset: Preset, both_ways: bool) -> dict[str, Any]:
    """The fields that apply."""
    fields: dict[str, Any] = {"score": _rounded(item.score), "band": item.score and item.score.band}
    if item.error is not None:
        fields["error"] = item.error
    if both_ways:
        fields["score_reversed"] = _rounded(item.swapped_score)
    if preset.flag_below is not None or preset.flag_above is not None:
        fields["flagged"] = item.flagged
    if item.score is not None:
        fields["checks"] = [
            JudgedCheckBody(
                attribute=check.attribute,
                wanted=check.wanted,
                holds=check.holds,
                confidence=round(check.confidence, 3),
            )
            for check in item.score.checks
        ]
        fields["basis"], fields["cut"] = list(item.score.basis), item.score.cut
    return fields


def _both_ways(ranking: Ranking) -> bool:
    return any(item.swapped is not None for item in ranking.items)


def _rounded(score: Score | None) -> float | None:
    return None if score is None else round(score.relevance, DIGITS)
