"""From the engine's types to the API's JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from api.schemas import (
    AnswerBody,
    CheckBody,
    EvidenceBody,
    HitBody,
    ProductBody,
    RankedBody,
    RankedHitBody,
    RerankReportBody,
    TookBody,
    TotalBody,
)
from core.types import Candidate, Hit, Product, Score
from search.answer import Answer, RerankReport, Timings

RELEVANCE_DIGITS = 6
"""Of a relevance in an answer; order and bands go by the whole number."""


def answer_body(answer: Answer, catalog: str, *, explain: bool = False) -> AnswerBody:
    """The whole answer."""
    total = answer.total
    return AnswerBody(
        query_id=answer.query_id,
        hits=[hit_body(hit, catalog, explain=explain) for hit in answer.hits],
        total=TotalBody(
            value=total.value,
            exact=total.exact,
            hidden_below_band=total.hidden_below_band,
            hidden_unjudged=total.hidden_unjudged,
        ),
        facets={name: dict(counts) for name, counts in answer.facets.items()},
        cursor=answer.cursor,
        rerank=_report_body(answer.rerank),
        took_ms=_took_body(answer.took),
        understood=list(answer.understood),
    )


def ranked_body(answer: Answer) -> RankedBody:
    """The answer to one query of a batch: ids and scores only."""
    hits = [
        RankedHitBody(
            id=hit.candidate.product.id,
            similarity=round(hit.candidate.similarity, 4),
            relevance=None if hit.score is None else round(hit.score.relevance, RELEVANCE_DIGITS),
        )
        for hit in answer.hits
    ]
    return RankedBody(hits=hits, rerank=_report_body(answer.rerank), took_ms=_took_body(answer.took))


def _report_body(report: RerankReport) -> RerankReportBody:
    return RerankReportBody(
        status=report.status,
        scored=report.scored,
        of=report.of,
        reason=report.reason,
        model=report.model,
    )


def _took_body(took: Timings) -> TookBody:
    return TookBody(
        encode=round(took.encode, 2),
        recall=round(took.recall, 2),
        rerank=round(took.rerank, 2),
        total=round(took.total, 2),
    )


def hit_body(hit: Hit, catalog: str, *, explain: bool) -> HitBody:
    """One hit; evidence only where it was asked for."""
    candidate = hit.candidate
    return HitBody(
        id=candidate.product.id,
        product=product_body(candidate.product, catalog),
        similarity=round(candidate.similarity, 4),
        **_score_fields(hit.score),
        rank=hit.rank,
        recall_rank=hit.recall_rank,
        evidence=_evidence_body(candidate) if explain else None,
    )


def _score_fields(score: Score | None) -> dict[str, Any]:
    if score is None:
        return {}
    return {
        "relevance": round(score.relevance, RELEVANCE_DIGITS),
        "band": score.band.value,
        "checks": [
            CheckBody(
                attribute=check.attribute,
                wanted=check.wanted,
                holds=check.holds,
                confidence=round(check.confidence, 4),
            )
            for check in score.checks
        ],
        "basis": list(score.basis),
        "cut": score.cut,
    }


def _evidence_body(candidate: Candidate) -> EvidenceBody:
    evidence = candidate.evidence
    return EvidenceBody(
        channels=[channel.value for channel in candidate.channels],
        coverage=evidence.coverage,
        agreement=evidence.agreement,
        text_similarity=evidence.text_similarity,
        picture_similarity=evidence.picture_similarity,
        fused=evidence.fused,
    )


def product_body(product: Product, catalog: str) -> ProductBody:
    """The product as JSON shows it; the feed's own picture paths stay inside."""
    image = f"/images/{quote(catalog, safe='')}/{quote(product.id, safe='')}" if product.pictures else None
    return ProductBody(
        id=product.id,
        title=product.title,
        titles=dict(product.titles),
        description=product.description,
        category=list(product.category),
        price=product.price,
        currency=product.currency,
        attributes={name: list(values) for name, values in product.attributes.items()},
        link=product.link,
        image=image and f"{image}?size=full",
        thumbnail=image and f"{image}?size=thumb",
    )
