"""Judges many documents and orders them: best first, and what could not be judged last, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from core.errors import RerankerProblem, UnreadableImage
from core.types import Score
from rerank.instructions import Preset
from rerank.judgement import Asked, Document, Judgement, Picture, Reranker, Unscored

PICTURES_TOGETHER = 16
"""Documents of a micro-batch where there are pictures: more of them, decoded, would fill the memory."""
_DECODERS = 4
"""Pictures that are decoded at the same time."""
_Both = tuple[Judgement, Judgement | None]
"""The judgement of a document, and the one with the roles swapped where that is asked for."""


@dataclass(frozen=True, slots=True)
class RankedDocument:
    """One document with what the judge says of it."""

    index: int
    """Its place in the input; 0 is the first."""
    document: Document
    judgement: Judgement
    swapped: Judgement | None = None
    """With the roles swapped: the document asks, the query is judged; None where that is not asked for."""
    flagged: bool | None = None
    """Whether it crosses the preset's line; None where the preset has none, or a judgement is missing."""

    @property
    def score(self) -> Score | None:
        """None where the document could not be judged."""
        return self.judgement if isinstance(self.judgement, Score) else None

    @property
    def swapped_score(self) -> Score | None:
        """None where it could not be judged, or is not asked for."""
        return self.swapped if isinstance(self.swapped, Score) else None

    @property
    def error(self) -> str | None:
        """Why a judgement is missing; None where none is."""
        if isinstance(self.judgement, Unscored):
            return self.judgement.reason
        return (
            f"with the roles swapped: {self.swapped.reason}" if isinstance(self.swapped, Unscored) else None
        )


@dataclass(frozen=True, slots=True)
class Ranking:
    """Documents best first."""

    items: tuple[RankedDocument, ...]
    """By relevance, equal ones in input order; what has none comes last. At most top_n."""
    failed: tuple[RankedDocument, ...]
    """All that lack a judgement, in input order, whether they are among the items or not."""
    of: int
    """Documents that were to be judged."""
    model: str


def rank(
    reranker: Reranker,
    asked: Asked,
    documents: Sequence[Document],
    *,
    preset: Preset,
    both_ways: bool | None = None,
    top_n: int | None = None,
) -> Ranking:
    """Judges all, answers the best; the instruction is the one in `asked`.

    The preset says where the line for flags is and, unless they are given, whether both ways are judged and how many
    are answered. A document that is empty, or whose picture can't be read, fails alone. RerankerProblem where the
    judge fails before it judged anything; where it fails later, what was left lacks a judgement.
    """
    swap = preset.both_ways if both_ways is None else both_ways
    judged = zip(documents, _all_judged(reranker, asked, documents, swap=swap), strict=True)
    ranked = [
        RankedDocument(index, document, judgement, swapped, _flagged(preset, judgement, swapped))
        for index, (document, (judgement, swapped)) in enumerate(judged)
    ]
    best_first = sorted(ranked, key=_relevance, reverse=True)
    return Ranking(
        items=tuple(best_first[: preset.top_n if top_n is None else top_n]),
        failed=tuple(each for each in ranked if each.error is not None),
        of=len(ranked),
        model=reranker.model,
    )


def _relevance(ranked: RankedDocument) -> float:
    return -1.0 if ranked.score is None else ranked.score.relevance


def _flagged(preset: Preset, judgement: Judgement, swapped: Judgement | None) -> bool | None:
    given = [each for each in (judgement, swapped) if each is not None]
    relevances = [each.relevance for each in given if isinstance(each, Score)]
    if len(relevances) < len(given):
        return None
    if preset.flag_below is not None:
        return relevances[0] < preset.flag_below
    return None if preset.flag_above is None else min(relevances) > preset.flag_above


def _all_judged(
    reranker: Reranker, asked: Asked, documents: Sequence[Document], *, swap: bool
) -> Iterator[_Both]:
    """One answer a document, in input order."""
    any_scored = False
    size = reranker.micro_batch
    if any(document.picture for document in documents):
        size = min(size, PICTURES_TOGETHER)
    with ThreadPoolExecutor(_DECODERS) as pool:
        for start in range(0, len(documents), size):
            batch = documents[start : start + size]
            try:
                judged = _judged(reranker, asked, _opened(pool, batch), swap=swap)
            except RerankerProblem as problem:
                if not any_scored:
                    raise
                # A judge that is gone stays gone: asking again for every further batch would take minutes.
                yield from [(Unscored(f"not judged: {problem}"), None)] * (len(documents) - start)
                return
            any_scored = any_scored or any(isinstance(judgement, Score) for judgement, _ in judged)
            yield from judged


def _opened(pool: ThreadPoolExecutor, batch: Sequence[Document]) -> Sequence[Document | Unscored]:
    """The documents with their pictures decoded, several at once, and no more of them than are judged together."""
    if not any(document.picture for document in batch):
        return [_with_pixels(document) for document in batch]
    return list(pool.map(_with_pixels, batch))


def _with_pixels(document: Document) -> Document | Unscored:
    if document.picture is None:
        return document if document.text.strip() else Unscored("it has neither words nor a picture")
    try:
        pixels = document.picture.load()
    except UnreadableImage as error:
        return Unscored(f"its picture can't be read: {error.reason}")
    return replace(document, picture=Picture(document.picture.hash, lambda: pixels))


def _judged(
    reranker: Reranker, asked: Asked, opened: Sequence[Document | Unscored], *, swap: bool
) -> list[_Both]:
    readable = [document for document in opened if isinstance(document, Document)]
    judgements = iter(reranker.score(asked, readable) if readable else [])
    answers: list[_Both] = []
    for document in opened:
        if isinstance(document, Unscored):
            answers.append((document, None))
            continue
        judgement = next(judgements)
        scored = isinstance(judgement, Score)
        answers.append((judgement, _swapped(reranker, asked, document) if swap and scored else None))
    return answers


def _swapped(reranker: Reranker, asked: Asked, document: Document) -> Judgement:
    """The document asks. What the query refuses is said of documents, so it isn't asked of the query itself."""
    as_query = Asked(document.text, document.picture, asked.instruction)
    return reranker.score(as_query, [Document(asked.text, asked.picture)])[0]
