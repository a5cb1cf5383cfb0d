"""The judge as a service: POST /api/rerank, and POST /v1/rerank in the form that other rerankers have."""

from __future__ import annotations

import time

from fastapi import APIRouter

from api.body_limit import BoundedRoute
from api.budgets import Work
from api.context import Context, ServerContext
from api.description import REFUSED_BODY
from api.judge_rendering import Use, echo_of, ranking_body, single_body
from api.judge_schemas import JudgeBody, RankingBody, SingleBody
from api.judge_wire import WireAnswerBody, WireBody, parts_of_wire, wire_answer
from api.judging import asked_of, document_of, documents_of
from core.errors import InvalidQuery, NoReranker
from rerank.instructions import PRESETS, preset_of
from rerank.judgement import Reranker
from rerank.ranking import rank

router = APIRouter(tags=["judge"], route_class=BoundedRoute)


# Plain functions run in the thread pool: a judge takes its time.
@router.post("/api/rerank", response_model_exclude_unset=True, responses=REFUSED_BODY)
def rerank(body: JudgeBody, context: Context) -> SingleBody | RankingBody:
    """Scores one document, or orders many by how well they fit the query."""
    started = time.perf_counter()
    preset = preset_of(body.preset)
    instruction = body.instruction or preset.instruction
    if (body.document is None) == (body.documents is None):
        raise InvalidQuery("send either `document` or `documents`")
    if body.document is not None:
        documents = [document_of(body.document, "document", context.uploads)]
    else:
        documents = documents_of(body.documents or [], context.uploads)
    both_ways = preset.both_ways if body.both_ways is None else body.both_ways
    context.charge(Work.of_judging(len(documents), both_ways=both_ways))
    asked = asked_of(body.query, instruction, context.uploads)
    ranking = rank(
        _judge(context), asked, documents, preset=preset, both_ways=body.both_ways, top_n=body.top_n
    )
    use = Use(preset, instruction, took_ms=1000 * (time.perf_counter() - started))
    if body.document is not None:
        return single_body(ranking, use)
    return ranking_body(ranking, [echo_of(item) for item in body.documents or []], use)


# Cohere's clients ask for the same under /v2.
@router.post("/v2/rerank", response_model_exclude_unset=True, include_in_schema=False)
@router.post("/v1/rerank", response_model_exclude_unset=True, responses=REFUSED_BODY)
def rerank_as_others_do(body: WireBody, context: Context) -> WireAnswerBody:
    """Orders documents as Jina's, Cohere's and vLLM's servers do, for programs made for those."""
    items = [parts_of_wire(item, f"documents.{index}") for index, item in enumerate(body.documents)]
    documents = documents_of(items, context.uploads)
    preset = PRESETS["default"]
    context.charge(Work.of_judging(len(documents), both_ways=preset.both_ways))
    instruction = body.instruction or preset.instruction
    asked = asked_of(parts_of_wire(body.query, "query"), instruction, context.uploads)
    ranking = rank(_judge(context), asked, documents, preset=preset, top_n=body.top_n)
    return wire_answer(ranking, asked, documents, return_documents=body.return_documents)


def _judge(context: ServerContext) -> Reranker:
    if context.engine.reranker is None:
        raise NoReranker
    return context.engine.reranker
