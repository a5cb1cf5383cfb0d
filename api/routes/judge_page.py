"""The judge's page: a plain form, judged and rendered here so that it works without JavaScript."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from api.context import Context, ServerContext
from api.judge_state import MAX_CARDS, JudgeState, Part, SentForm, sent_form, state_of_address
from api.judge_view import JudgedView, complaint, examples_of, judged_view
from api.page_state import preferred_language
from api.places import REFUSED
from api.templates import html_page
from api.wording import Problem, problem_of
from core.errors import LycheeError, UnknownPreset
from rerank.instructions import PRESETS
from web import texts

router = APIRouter(include_in_schema=False)
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_JUDGES = ("one", "all")


@router.get("/rerank", response_class=HTMLResponse)
def form(
    request: Request, context: Context, state: Annotated[JudgeState, Depends(state_of_address)]
) -> HTMLResponse:
    """The form, filled in as the address says."""
    return _rendered(state, request, context)


@router.post("/rerank", response_class=HTMLResponse)
def judged(request: Request, context: Context, sent: Annotated[SentForm, Depends(sent_form)]) -> HTMLResponse:
    """The form as it was sent, after what its button asked for; nothing that was typed is lost."""
    language = _language(sent.text("switch") or sent.text("lang"), request)
    if sent.fields is None:
        too_much = Problem(texts(language)["problem_form"], "", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return _rendered(JudgeState(), request, context, problem=too_much)
    if not request.headers.get("content-type", "").startswith(_FORMS):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, texts("en")["problem_json"])
    try:
        state = sent.state(context.uploads)
    except UnknownPreset as error:
        return _rendered(JudgeState(), request, context, problem=problem_of(error, language))
    wish = sent.text("judged") if sent.text("switch") else sent.wish() or "all"
    if wish not in _JUDGES:
        return _rendered(state.after(wish), request, context)
    return _answered(state, wish, request, context)


def _answered(state: JudgeState, wish: str, request: Request, context: ServerContext) -> HTMLResponse:
    language = _language(state.lang, request)
    problem = complaint(state, language) if context.engine.reranker is not None else None
    if (busy := REFUSED.get()) is not None:
        problem = problem_of(busy, language)
    view = None
    if problem is None:
        try:
            view = judged_view(state, context, language, only_first=wish == "one")
        except LycheeError as error:
            problem = problem_of(error, language)
    return _rendered(state, request, context, view=view, problem=problem, wish=wish)


def _rendered(
    state: JudgeState,
    request: Request,
    context: ServerContext,
    *,
    view: JudgedView | None = None,
    problem: Problem | None = None,
    wish: str = "",
) -> HTMLResponse:
    language = _language(state.lang, request)
    html = html_page(
        "rerank.html",
        t=texts(language),
        state=state,
        blank=Part(),
        view=view,
        problem=problem,
        wish=wish,
        presets=PRESETS,
        max_cards=MAX_CARDS,
        has_judge=context.engine.reranker is not None,
        examples=examples_of(state.lang, language),
        other=("en" if language == "zh" else "zh"),
        home=f"/?lang={state.lang}" if state.lang else "/",
    )
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
    if problem is None:
        return HTMLResponse(html, headers=headers)
    return HTMLResponse(html, problem.status, {**headers, **problem.headers})


def _language(lang: str, request: Request) -> str:
    return lang if lang in ("en", "zh") else preferred_language(request.headers.get("accept-language", ""))
