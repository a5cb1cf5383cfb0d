"""Searching: POST /api/search, its GET form, and query pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, UploadFile
from pydantic import BaseModel

from api.context import Context
from api.queries import kept, query_of
from api.rendering import answer_body
from api.schemas import AnswerBody, QueryBody, SearchBody
from core.types import MAX_LIMIT, MAX_QUERY_CHARACTERS

router = APIRouter(tags=["search"])


# Plain functions run in the thread pool: encoding and FAISS release the interpreter's lock.
@router.post("/api/search")
def search(body: SearchBody, context: Context) -> AnswerBody:
    """Searches by words, by picture, or by both."""
    answer = context.engine.search(query_of(body, context.uploads), body.catalog)
    return answer_body(answer, body.catalog, explain=body.explain)


@router.get("/api/search")
def search_plain(  # noqa: PLR0913 one parameter a field of the form
    context: Context,
    q: Annotated[str, Query(max_length=MAX_QUERY_CHARACTERS)] = "",
    image: Annotated[
        str | None, Query(description="`upload:<id>` of a picture sent to /api/pictures")
    ] = None,
    like: Annotated[list[str], Query()] = [],  # noqa: B006 FastAPI copies it
    catalog: str = "products",
    filter: Annotated[str, Query(max_length=4_000)] = "",  # noqa: A002 the contract's name
    sort: str = "relevance",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 24,
    cursor: str | None = None,
) -> AnswerBody:
    """The same search as an address."""
    body = SearchBody(
        query=QueryBody(text=q, image=image, like=like),
        catalog=catalog,
        filter=filter,
        sort=sort,
        limit=limit,
        cursor=cursor,
    )
    return search(body, context)


class UploadedBody(BaseModel):
    """Where a query picture is kept."""

    image: str
    """What to put into `query.image`: `upload:<id>`."""


@router.post("/api/pictures", status_code=201)
def upload(picture: UploadFile, context: Context) -> UploadedBody:
    """Keeps a query picture for a while, so that an address can name it."""
    return UploadedBody(image=kept(picture, context.uploads))
