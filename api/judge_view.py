"""What the judge's page shows of a judged form: one big score, or documents best first; and why there is neither."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from api.budgets import Work
from api.context import ServerContext
from api.judge_schemas import MAX_INSTRUCTION_CHARACTERS, PartsBody
from api.judge_state import JudgeState, Part, judge_href
from api.judging import MAX_DOCUMENT_CHARACTERS, MAX_DOCUMENTS, MAX_QUESTION_CHARACTERS, asked_of, document_of
from api.verdict import Verdict, verdict_of
from api.wording import Problem
from core.errors import NoReranker, UnreadableImage
from core.language import Language
from core.types import Pixels
from rerank.instructions import PRESETS, Preset
from rerank.judgement import Document, Picture
from rerank.ranking import RankedDocument, Ranking, rank
from web import texts

MAX_ROWS = 200
"""Documents that a page lists."""
SUMMARY = 260
"""Characters of a document that a page repeats."""
EXAMPLES = {
    "en": (
        (
            "What is the capital of China?",
            "Beijing is the capital of the People's Republic of China.",
            "default",
        ),
        (
            "light pink dress with embroidered butterflies",
            "Chiffon dress, light pink, butterflies embroidered along the hem.\n---\n"
            "Cotton dress, light pink, printed butterflies.\n---\n"
            "Chiffon dress, purple, plain.\n---\nLeather belt, black.",
            "product",
        ),
    ),
    "zh": (
        ("中国的首都是哪里?", "北京是中华人民共和国的首都", "default"),
        (
            "穿汉服的少女在樱花树下",
            "少女穿汉服在樱花树下拍照\n---\n古装剧截图，人物在竹林中\n---\n樱花树特写，无人物\n---\n汉服试穿视频封面图",
            "default",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One document with what the judge says of it."""

    number: int
    """Its place in what was sent; 1 is the first."""
    summary: str
    thumbnail: str
    verdict: Verdict | None
    """None where it could not be judged."""
    swapped: Verdict | None
    flagged: bool
    sentence: str
    """Why its picture is missing, in the reader's language."""
    error: str
    """Why something is missing, in the judge's own words."""


@dataclass(frozen=True, slots=True)
class JudgedView:
    """What the page shows below the form."""

    one: Row | None
    """The only document that was to be judged."""
    rows: tuple[Row, ...]
    failed: tuple[Row, ...]
    of: int
    """Documents in the form."""
    judged: int
    """Documents that were to be judged."""
    preset: Preset
    model: str
    took_ms: float


def complaint(state: JudgeState, language: str) -> Problem | None:
    """Why the form can't be judged as it is; None where it can."""
    documents = state.documents
    longest = max((len(each.text) for each in documents), default=0)
    too_long = (
        len(state.query.text) > MAX_QUESTION_CHARACTERS
        or len(state.instruction) > MAX_INSTRUCTION_CHARACTERS
        or longest > MAX_DOCUMENT_CHARACTERS
    )
    found = (
        (bool(state.query.trouble), state.query.trouble, ()),
        (not state.query.text.strip() and not state.query.image, "problem_query_empty", ()),
        (not documents, "problem_document_empty", ()),
        (len(documents) > MAX_DOCUMENTS, "problem_too_many", (len(documents), MAX_DOCUMENTS)),
        (too_long, "problem_too_long", ()),
    )
    for fails, key, numbers in found:
        if fails:
            return Problem(texts(language)[key].format(*numbers), "", HTTPStatus.UNPROCESSABLE_ENTITY)
    return None


def judged_view(state: JudgeState, context: ServerContext, language: str, *, only_first: bool) -> JudgedView:
    """Judges the form; LycheeError says what can't be."""
    started = time.perf_counter()
    if context.engine.reranker is None:
        raise NoReranker
    parts = state.documents[: 1 if only_first else None]
    query = PartsBody(text=state.query.text, image=state.query.image or None)
    asked = asked_of(query, state.instruction, context.uploads)
    documents = [_document(part, number, context) for number, part in enumerate(parts, start=1)]
    preset = PRESETS[state.preset]
    context.charge(Work.of_judging(len(documents), both_ways=preset.both_ways))
    ranking = rank(context.engine.reranker, asked, documents, preset=preset)
    show = _rows(parts, context.engine.language, language)
    best = tuple(show(item) for item in ranking.items[:MAX_ROWS] if item.score is not None)
    failed = tuple(show(item) for item in ranking.failed if item.score is None)
    return JudgedView(
        one=(best + failed)[0] if only_first else None,
        rows=best,
        failed=failed[:MAX_ROWS],
        of=len(state.documents),
        judged=_judged(ranking),
        preset=preset,
        model=ranking.model,
        took_ms=1000 * (time.perf_counter() - started),
    )


def examples_of(lang: str, language: str) -> list[dict[str, str]]:
    """Forms to try."""
    return [
        {"text": query, "href": judge_href(query, document, preset, lang)}
        for query, document, preset in EXAMPLES[language]
    ]


def _judged(ranking: Ranking) -> int:
    return ranking.of - sum(item.score is None for item in ranking.failed)


def _document(part: Part, number: int, context: ServerContext) -> Document:
    if part.trouble:
        return Document(part.text, Picture(part.trouble, _unreadable(part)))
    body = PartsBody(text=part.text, image=part.image or None)
    return document_of(body, f"document {number}", context.uploads)


def _unreadable(part: Part) -> Callable[[], Pixels]:
    def load() -> Pixels:
        raise UnreadableImage(part.file, texts("en")[part.trouble])

    return load


def _rows(parts: list[Part], names: Language, language: str) -> Callable[[RankedDocument], Row]:
    """Shows a judged document, beside what was sent."""
    words = texts(language)

    def row(item: RankedDocument) -> Row:
        part = parts[item.index]
        score, swapped = item.score, item.swapped_score
        return Row(
            number=item.index + 1,
            summary=_summary(part, words),
            thumbnail=part.picture_href,
            verdict=None if score is None else verdict_of(score, names, language),
            swapped=None if swapped is None else verdict_of(swapped, names, language),
            flagged=item.flagged is True,
            sentence=words[part.trouble] if part.trouble else "",
            error="" if part.trouble else item.error or "",
        )

    return row


def _summary(part: Part, words: dict[str, str]) -> str:
    text = " ".join(part.text.split())
    if not text:
        return words["picture_alone" if part.image else "empty_document"]
    return text if len(text) <= SUMMARY else f"{text[:SUMMARY].rstrip()}…"
