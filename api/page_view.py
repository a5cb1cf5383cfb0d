"""What the search page shows of one state: hits as cards, what is honest to say about them, and where its links lead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote

from api.cards import Card, card_of
from api.context import ServerContext
from api.judge_state import judge_href
from api.page_state import PAGE, PageState
from api.queries import picture_of
from api.rendering import answer_body, product_body
from api.request_notes import noted
from api.schemas import AnswerBody, ProductBody
from api.verdict import Verdict, verdict_of
from api.wording import tags
from core.errors import UnknownCatalog
from core.types import MAX_LIMIT, Band, Query

SHOWCASE = 12
"""Products of the shop that the first page shows before anything is asked."""
EXAMPLES = {
    "en": ("black running shoes", "grey sofa", "something to drink", "camera under $200"),
    "zh": ("黑色跑步鞋", "灰色沙发", "水果", "200元以下的相机"),
}


@dataclass(frozen=True, slots=True)
class PageView:
    """What the template shows; an empty one is a page with its form alone."""

    answer: AnswerBody | None = None
    cards: tuple[Card, ...] = ()
    tags: tuple[str, ...] = ()
    notice: str = ""
    """Which honest sentence belongs above the hits: the key of a text."""
    liked: Card | None = None
    more: str = ""
    """Where the same answer is shown with more hits."""
    has_low: bool = False
    """Whether some hits were judged not to fit."""


def view_of(state: PageState, context: ServerContext, language: str) -> PageView:
    """Answers the state; LycheeError says what can't be."""
    catalogs = context.engine.store.names()
    name = state.catalog or main_catalog(catalogs)
    if not catalogs:
        return PageView()
    if name not in catalogs:
        raise UnknownCatalog(name, catalogs)
    if not state.asks:
        return PageView(cards=_showcase(name, state, context, language))
    return _answered(name, state, context, language)


def main_catalog(catalogs: list[str]) -> str:
    """The catalog of an address that names none."""
    return "products" if "products" in catalogs or not catalogs else catalogs[0]


def links_of(state: PageState, language: str) -> dict[str, str]:
    """Where the page's own links lead."""
    upload_id = state.image.removeprefix("upload:")
    return {
        "home": state.bare().href,
        "judge": judge_href(state.q, "", lang=state.lang),
        "language": state.but(lang="en" if language == "zh" else "zh", shown=state.shown).href,
        "without_picture": state.but(image="", like="").href,
        "without_filter": state.but(filter="").href,
        "fitting": state.but(min_band=Band.MEDIUM.value).href,
        "all_bands": state.but(min_band="").href,
        "query_picture": f"/uploads/{quote(upload_id, safe='')}" if upload_id else "",
    }


def examples_of(state: PageState, language: str) -> list[dict[str, str]]:
    """Queries to try."""
    return [{"text": text, "href": state.bare(q=text).href} for text in EXAMPLES[language]]


def _answered(name: str, state: PageState, context: ServerContext, language: str) -> PageView:
    query = Query(
        text=state.q,
        image=picture_of(state.image, context.uploads),
        like=(state.like,) if state.like else (),
        filter=state.filter,
        sort=state.sort,
        limit=state.shown,
    )
    engine = context.engine
    judging = replace(engine.judging, min_band=Band(state.min_band) if state.min_band else None)
    context.charge_search(judging)
    found = noted(engine.search(query, name, judging), name, state.q)
    answer = answer_body(found, name, explain=True)
    scores = [hit.score for hit in found.hits]
    verdicts = [None if score is None else verdict_of(score, engine.language, language) for score in scores]
    more = answer.cursor and state.shown < MAX_LIMIT
    return PageView(
        answer=answer,
        cards=tuple(
            _card(hit.product, state, language, verdict)
            for hit, verdict in zip(answer.hits, verdicts, strict=True)
        ),
        tags=tuple(tags(answer.understood, engine.language, language)),
        notice=_notice(answer, name, state, context),
        liked=_liked(name, state, context, language),
        more=state.but(shown=state.shown + PAGE).href if more else "",
        has_low=any(score is not None and score.band is Band.LOW for score in scores),
    )


def _card(product: ProductBody, state: PageState, language: str, verdict: Verdict | None = None) -> Card:
    return card_of(product, language, state.bare(like=product.id).href, verdict)


def _liked(name: str, state: PageState, context: ServerContext, language: str) -> Card | None:
    if not state.like:
        return None
    return _card(product_body(context.engine.product(state.like, name).product, name), state, language)


def _showcase(name: str, state: PageState, context: ServerContext, language: str) -> tuple[Card, ...]:
    early = context.engine.store.catalog(name).first(4 * SHOWCASE)
    pictured = [product for product in early if product.pictures][:SHOWCASE]
    return tuple(_card(product_body(product, name), state, language) for product in pictured)


def _notice(answer: AnswerBody, name: str, state: PageState, context: ServerContext) -> str:
    """Why there is nothing, or why what there is may not be what was asked for."""
    if not answer.hits:
        if context.engine.store.catalog(name).counts().products == 0:
            return "empty_catalog"
        if answer.total.hidden_below_band or answer.total.hidden_unjudged:
            return "empty_band"
        return "empty_filter" if state.filter else "empty"
    understood = context.engine.language.understand(state.q)
    low, high = understood.price_min or 0.0, understood.price_max or float("inf")
    if (understood.price_min, understood.price_max) != (None, None) and not any(
        hit.product.price is not None and low <= hit.product.price <= high for hit in answer.hits
    ):
        return "weak_price"
    tokens = [token for unit in understood.units for token in unit.tokens]
    known = context.engine.store.catalog(name).document_frequencies(tokens)
    return "weak" if tokens and not any(known.values()) else ""
