"""The search page, rendered here so that it works without JavaScript; the address holds the page's whole state."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, Template

from api.cards import Card, card_of
from api.context import Context, ServerContext
from api.errors import status_of
from api.queries import query_of
from api.rendering import answer_body, product_body
from api.schemas import AnswerBody, ProductBody, QueryBody, SearchBody
from core.errors import LycheeError
from core.images import decode, probe
from search.engine import SORTS
from web import LANGUAGES, page_template, texts

router = APIRouter(include_in_schema=False)
PAGE = 24
EXAMPLES = {
    "en": ("black running shoes", "grey sofa", "something to drink", "camera under $200"),
    "zh": ("黑色跑步鞋", "灰色沙发", "水果", "200元以下的相机"),
}


@dataclass(frozen=True, slots=True)
class PageState:
    """What the address says."""

    q: str = ""
    image: str = ""
    like: str = ""
    catalog: str = ""
    sort: str = "relevance"
    cursor: str = ""
    lang: str = ""

    @property
    def href(self) -> str:
        """The address of this state."""
        named = {
            name: value
            for name, value in asdict(self).items()
            if value and (name, value) != ("sort", SORTS[0])
        }
        return f"/?{urlencode(named)}" if named else "/"

    @property
    def asks(self) -> bool:
        """Whether there is anything to search for."""
        return bool(self.q.strip() or self.image or self.like)


@router.get("/", response_class=HTMLResponse)
def page(  # noqa: PLR0913 one parameter a part of the address
    request: Request,
    context: Context,
    q: str = "",
    image: str = "",
    like: str = "",
    catalog: str = "",
    sort: str = SORTS[0],
    cursor: str = "",
    lang: str = "",
) -> HTMLResponse:
    """The page of one state: the form, and the answer where something is asked."""
    catalogs = context.engine.store.names()
    language = lang if lang in LANGUAGES else _preferred(request)
    state = PageState(q, image, like, catalog or _default(catalogs), sort, cursor, lang)
    problem, answer, liked, status = "", None, None, HTTPStatus.OK
    if catalogs and state.asks:
        try:
            answer = _answer(state, context)
            liked = _liked(state, context)
        except LycheeError as error:
            problem, status = str(error), status_of(error)
    html = _template().render(
        t=texts(language),
        state=replace(state, lang=language),
        catalogs=catalogs,
        sorts=SORTS,
        answer=answer,
        cards=[] if answer is None else _cards(answer, state, language),
        liked=liked,
        weak=answer is not None and _is_weak(answer),
        problem=problem,
        examples=[{"text": text, "href": PageState(q=text, lang=lang).href} for text in EXAMPLES[language]],
        links=_links(state, answer, language),
    )
    return HTMLResponse(html, status)


@router.post("/")
def ask(
    context: Context,
    q: Annotated[str, Form()] = "",
    image: Annotated[str, Form()] = "",
    like: Annotated[str, Form()] = "",
    catalog: Annotated[str, Form()] = "",
    sort: Annotated[str, Form()] = SORTS[0],
    lang: Annotated[str, Form()] = "",
    picture: UploadFile | None = None,
) -> RedirectResponse:
    """Keeps a sent picture and leads to the address of the answer."""
    state = PageState(q, image, like, catalog, sort, lang=lang)
    if picture is not None and picture.filename:
        data = picture.file.read()
        decode(data, source=picture.filename, at_least=64)
        state = replace(state, image=f"upload:{context.uploads.put(data)}", like="")
    return RedirectResponse(state.href, HTTPStatus.SEE_OTHER)


@router.get("/uploads/{upload_id}")
def uploaded(upload_id: str, context: Context) -> Response:
    """A query picture, for the page to show."""
    data = context.uploads.get(upload_id)
    media_type = f"image/{probe(data, source='the picture').format.lower()}"
    return Response(data, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})


def _answer(state: PageState, context: ServerContext) -> AnswerBody:
    query = QueryBody(
        text=state.q[:2_000], image=state.image or None, like=[state.like] if state.like else []
    )
    body = SearchBody(
        query=query, catalog=state.catalog, sort=state.sort, limit=PAGE, cursor=state.cursor or None
    )
    answer = context.engine.search(query_of(body, context.uploads), state.catalog)
    return answer_body(answer, state.catalog, explain=True)


def _liked(state: PageState, context: ServerContext) -> ProductBody | None:
    if not state.like:
        return None
    return product_body(context.engine.product(state.like, state.catalog).product, state.catalog)


def _is_weak(answer: AnswerBody) -> bool:
    """Whether words were asked for and not even the best hit has any of them."""
    best = answer.hits[0].evidence if answer.hits else None
    asked = best is not None and best.text_similarity is not None
    return asked and best is not None and best.coverage == 0 and not answer.understood


def _cards(answer: AnswerBody, state: PageState, language: str) -> list[Card]:
    def similar(product_id: str) -> str:
        return PageState(like=product_id, catalog=state.catalog, lang=state.lang).href

    return [card_of(hit, language, similar(hit.id)) for hit in answer.hits]


def _links(state: PageState, answer: AnswerBody | None, language: str) -> dict[str, str]:
    bare = replace(state, image="", like="", cursor="")
    return {
        "home": PageState(lang=state.lang).href,
        "language": replace(state, lang=texts(language)["other_lang_code"]).href,
        "without_picture": bare.href,
        "query_picture": f"/uploads/{quote(state.image.removeprefix('upload:'), safe='')}",
        "more": replace(state, cursor=answer.cursor).href if answer is not None and answer.cursor else "",
    }


def _preferred(request: Request) -> str:
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def _default(catalogs: list[str]) -> str:
    return "products" if "products" in catalogs or not catalogs else catalogs[0]


@cache
def _template() -> Template:
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        page_template("search.html")
    )
