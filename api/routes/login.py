"""The way into a shared server: the password page, and the link of the QR code."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.page_state import preferred_language
from api.sharing import COOKIE, SESSION_SECONDS, Gate, address_of
from api.templates import html_page
from core.errors import TooManyGuesses
from web import LANGUAGES, texts

router = APIRouter(include_in_schema=False)


def _gate(request: Request) -> Gate:
    return cast(Gate, request.app.state.gate)


TheGate = Annotated[Gate, Depends(_gate)]


@router.get("/login", response_model=None)
def login_page(
    request: Request,
    gate: TheGate,
    next: str = "/",  # noqa: A002 what browsers and their users know this parameter as
    token: str = "",
    lang: str = "",
) -> Response:
    """Asks for the password; a link's token is changed into a session at once and leaves the address."""
    if token and gate.admits_link(token):
        return _inside(request, gate, "/")
    return _asked(request, next, lang, problem="link_over" if token else "")


@router.post("/login", response_model=None)
def log_in(
    request: Request,
    gate: TheGate,
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 as above
    lang: Annotated[str, Form()] = "",
) -> Response:
    """Leads on who knows the password."""
    try:
        if gate.knows(password.strip(), address_of(request)):
            return _inside(request, gate, next)
    except TooManyGuesses as error:
        return _asked(request, next, lang, problem="password_slow", wait=error.seconds)
    return _asked(request, next, lang, problem="password_wrong")


def _inside(request: Request, gate: Gate, where: str) -> Response:
    answer = RedirectResponse(_of_this_server(where), HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        gate.session(),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return _private(answer)


def _asked(request: Request, where: str, lang: str, *, problem: str = "", wait: int = 0) -> Response:
    language = lang if lang in LANGUAGES else preferred_language(request.headers.get("accept-language", ""))
    words = texts(language)
    where = _of_this_server(where)
    other = "en" if language == "zh" else "zh"
    html = html_page(
        "login.html",
        t=words,
        next=where,
        lang=lang,
        problem=words[problem].format(wait) if problem else "",
        other_href=f"/login?{urlencode({'next': where, 'lang': other})}",
    )
    status = {"password_wrong": HTTPStatus.UNAUTHORIZED, "password_slow": HTTPStatus.TOO_MANY_REQUESTS}
    answer = HTMLResponse(html, status.get(problem, HTTPStatus.OK))
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return _private(answer)


def _private(answer: Response) -> Response:
    """Neither kept by a browser nor named to another site: the address may have held a token."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _of_this_server(where: str) -> str:
    """A path to go on to; an address of another server is not followed."""
    stays = where.startswith("/") and not where.startswith("//") and where.isprintable() and "\\" not in where
    return where if stays else "/"
