"""The search page, rendered here so that it works without JavaScript; the address holds the page's whole state."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from api.context import Context, ServerContext
from api.page_state import PAGE, PageState, preferred_language, state_of_form
from api.page_view import PageView, examples_of, links_of, main_catalog, view_of
from api.places import REFUSED
from api.queries import kept
from api.templates import html_page, static_address
from api.wording import problem_of
from core.database_errors import DatabaseUnreachable
from core.errors import ForgottenPicture, LycheeError
from core.images import decode
from core.pictures import jpeg
from search.engine import SORTS
from web import texts

router = APIRouter(include_in_schema=False)
CHIP_SIDE = 192
"""Pixels of the query picture as the page shows it, on a screen of twice the density."""


@router.get("/", response_class=HTMLResponse)
def page(request: Request, context: Context, state: Annotated[PageState, Query()]) -> HTMLResponse:
    """The page of one state: the form, and the answer where something is asked."""
    return _rendered(state, request, context, refusal=REFUSED.get())


@router.post("/", response_model=None)
def ask(
    request: Request,
    context: Context,
    state: Annotated[PageState, Depends(state_of_form)],
    picture: UploadFile | None = None,
) -> Response:
    """Keeps a sent picture and leads to the address of the answer; a picture that can't be read stays here."""
    if state.catalog == main_catalog(_catalogs(context)):
        state = state.but(catalog="")
    if (busy := REFUSED.get()) is not None:
        return _rendered(state, request, context, refusal=busy)
    if picture is not None and picture.filename:
        try:
            state = state.but(image=kept(picture, context.uploads), like="")
        except LycheeError as refusal:
            return _rendered(state, request, context, refusal=refusal)
    return RedirectResponse(state.href, HTTPStatus.SEE_OTHER)


@router.get("/uploads/{upload_id}")
def uploaded(upload_id: str, context: Context) -> Response:
    """A query picture, small, as the page shows it; made anew, so that nothing else of a sent file comes back."""
    pixels = decode(context.uploads.get(upload_id), source="the query picture", at_least=CHIP_SIDE)
    return Response(
        jpeg(pixels, CHIP_SIDE),
        media_type="image/jpeg",
        headers={"Cache-Control": "private, max-age=86400, immutable"},
    )


@router.get("/favicon.ico")
def favicon() -> RedirectResponse:
    """What browsers ask for beside pictures and JSON, which can't name the icon."""
    return RedirectResponse(static_address("lychee.svg"))


def _rendered(
    state: PageState, request: Request, context: ServerContext, *, refusal: LycheeError | None = None
) -> HTMLResponse:
    language = state.lang or preferred_language(request.headers.get("accept-language", ""))
    view = PageView()
    if refusal is None:
        try:
            view = view_of(state, context, language)
        except LycheeError as error:
            refusal = error
    if isinstance(refusal, ForgottenPicture):
        state = state.but(image="")
    problem = None if refusal is None else problem_of(refusal, language)
    catalogs = _catalogs(context)
    html = html_page(
        "search.html",
        t=texts(language),
        state=state,
        view=view,
        page=PAGE,
        problem=problem,
        catalogs=catalogs,
        catalog=state.catalog or main_catalog(catalogs),
        sorts=SORTS,
        links=links_of(state, language),
        examples=examples_of(state, language),
    )
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Language"}
    if problem is None:
        return HTMLResponse(html, headers=headers)
    return HTMLResponse(html, problem.status, {**headers, **problem.headers})


def _catalogs(context: ServerContext) -> list[str]:
    """Their names; none while the database is away, which the page says itself."""
    try:
        return context.engine.store.names()
    except DatabaseUnreachable:
        return []
