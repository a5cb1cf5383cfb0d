"""Searching: POST /api/search, its GET form, both also as a stream, and query pictures."""

from __future__ import annotations

import threading
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from api.body_limit import BoundedRoute
from api.context import Context
from api.description import REFUSED_BODY, Responses, refusals
from api.queries import judging_of, kept, query_of
from api.rendering import answer_body
from api.request_notes import noted
from api.schemas import MAX_CURSOR, MAX_LIKE, AnswerBody, QueryBody, RerankBody, SearchBody
from api.streaming import EVENT, EVENTS, streamed, wants_events
from core.types import MAX_LIMIT, MAX_QUERY_CHARACTERS

router = APIRouter(tags=["search"], route_class=BoundedRoute)


STREAMS: Responses = {
    200: {"content": {EVENTS: {"schema": EVENT}}, "description": "The answer, or its events"}
}


# Plain functions run in the thread pool: encoding and FAISS release the interpreter's lock.
@router.post("/api/search", response_model=AnswerBody, responses=STREAMS | refusals(404) | REFUSED_BODY)
def search(
    body: SearchBody, context: Context, accept: Annotated[str, Header(include_in_schema=False)] = ""
) -> AnswerBody | StreamingResponse:
    """Searches by words, by picture, or by both."""
    context.admit(body.catalog)
    engine, judging = context.engine, judging_of(body.rerank, context.engine.judging)
    context.charge_search(judging, fetches=bool(body.query.image_url))
    query = query_of(body, context.uploads, context.links)
    body_of = partial(answer_body, catalog=body.catalog, explain=body.explain)
    if not (body.stream or wants_events(accept)):
        return body_of(noted(engine.search(query, body.catalog, judging), body.catalog, query.text))
    over = threading.Event()
    answers = engine.answers(query, body.catalog, judging, over=over)
    return streamed((noted(answer, body.catalog, query.text) for answer in answers), over, body_of)


@router.get("/api/search", response_model=AnswerBody, responses=STREAMS | refusals(404, 422))
def search_plain(  # noqa: PLR0913 one parameter a field of the form
    context: Context,
    q: Annotated[str, Query(max_length=MAX_QUERY_CHARACTERS)] = "",
    image: Annotated[
        str | None, Query(description="`upload:<id>` of a picture sent to /api/pictures")
    ] = None,
    like: Annotated[list[str], Query(max_length=MAX_LIKE)] = [],  # noqa: B006 FastAPI copies it
    catalog: str = "products",
    filter: Annotated[str, Query(max_length=4_000)] = "",  # noqa: A002 the contract's name
    sort: str = "relevance",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 24,
    cursor: Annotated[str | None, Query(max_length=MAX_CURSOR)] = None,
    rerank: Annotated[bool, Query(description="Whether the second stage judges the hits")] = True,
    min_band: Literal["high", "medium", "low"] | None = None,
    instruction: Annotated[str | None, Query(max_length=2_000)] = None,
    explain: bool = False,
    stream: bool = False,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> AnswerBody | StreamingResponse:
    """The same search as an address."""
    body = SearchBody(
        query=QueryBody(text=q, image=image, like=like),
        catalog=catalog,
        filter=filter,
        sort=sort,
        limit=limit,
        cursor=cursor,
        rerank=RerankBody(enabled=rerank, min_band=min_band, instruction=instruction),
        explain=explain,
        stream=stream,
    )
    return search(body, context, accept)


class UploadedBody(BaseModel):
    """Where a query picture is kept."""

    image: str
    """What to put into `query.image`: `upload:<id>`."""


@router.post("/api/pictures", status_code=201, responses=REFUSED_BODY)
def upload(picture: UploadFile, context: Context) -> UploadedBody:
    """Keeps a query picture for a while, so that an address can name it."""
    return UploadedBody(image=kept(picture, context.uploads))
