"""From both sides of a judgement to the numbers that a curve turns into a relevance, and to what each wish came to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.encoder import ColourReadingEncoder, Encoder
from core.evidence import Asking
from core.language import Language, Understanding
from core.types import Evidence
from rerank.judgement import Asked
from rerank.lite.background import Background, Levels, Row
from rerank.lite.curves import Numbers
from rerank.lite.emphasis import Emphasis
from rerank.lite.resemblance import BY_PICTURE, BY_WORDS, Best
from rerank.lite.sides import Question, Side, Sides, rows
from rerank.lite.wishes import KIND, Finding, Wish, find_all, wishes_of

TYPICAL_SHOP = 1_000
"""Products of the shop that typical shares are counted in, where no shop tells."""
_AGREEMENT, _TEXT, _PICTURE = 0.3, 0.1, 0.08
"""What recall weighs a query of words by, beside a coverage of 1."""
_RESEMBLANCE = {"words": (0.2, 0.2, 0.0), "picture": (0.5, 0.5, 0.1), "both": (0.0, 0.0, 0.0)}
"""What resembling the best by picture, by text and by sort adds to recall's evidence; bench/judge.py measures it."""
_FULL = 0.8
"""Standing from which a wish is granted: a document that states a sort of it grants it, one that tells of it doesn't."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question, ready to be held against documents."""

    question: Question
    mode: str
    """words, sentence (words that name no attribute and no thing for sale), picture, or both."""
    wishes: tuple[Wish, ...]
    emphasis: Emphasis
    asking: Asking | None
    levels: Levels | None
    best: Best | None = None
    """None where recall doesn't tell."""
    top: float = 0.0
    """The highest match of the best."""
    best_coverage: float = 0.0


@dataclass(frozen=True, slots=True)
class Weighed:
    """The evidence of one pair."""

    parts: Mapping[str, Numbers]
    """By the curve that they belong to; where there are several, their logits' mean counts."""
    findings: tuple[Finding, ...]
    basis: tuple[str, ...]
    emphasis: Emphasis
    cut: bool


class Weighing:
    """Weighs pairs; safe for many threads."""

    def __init__(self, encoder: Encoder, language: Language, typical_shares: Numbers) -> None:
        self.sides = Sides(encoder, language)
        self._language, self._typical = language, typical_shares
        background = Background.load()
        self._background = background if background.feature_dim == encoder.feature_dim else None
        self._encoder = encoder
        self._colours = encoder if isinstance(encoder, ColourReadingEncoder) else None
        words = () if self._colours is None else self._colours.colour_words
        self._colour_words = {word: at for at, word in enumerate(words)}

    def case(self, asked: Asked) -> Case:
        """The question; UnreadableImage where its picture can't be read."""
        question = self.sides.question(asked)
        understood = question.understood
        emphasis = Emphasis.of(asked.instruction)
        read = understood is not None and not emphasis.wants_answers
        wishes = wishes_of(understood, self._language, self._colour_words) if read and understood else ()
        mode = _mode(question, wishes)
        asking = None if understood is None else self._asking(understood)
        bare = Case(question, mode, wishes, emphasis, asking, self._levels(question.text))
        return self._in_shop(bare, asked) if asked.best else bare

    def weighed(self, case: Case, side: Side) -> Weighed:
        """What the evidence says of one document."""
        shown = self._shown(side) if case.wishes else {}
        findings = find_all(case.wishes, side.terms, shown)
        parts = dict(self._parts(case, side, findings))
        return Weighed(parts, findings, _basis(case, side, findings), case.emphasis, side.cut)

    def _parts(self, case: Case, side: Side, findings: Sequence[Finding]) -> list[tuple[str, Numbers]]:
        if case.best is not None and side.evidence is not None:
            return [(f"{case.mode}/shop", self._shop_numbers(case, side, findings))]
        if case.mode == "sentence":
            return [("sentence/alone", self._sentence_numbers(case, side))]
        parts = []
        if case.mode != "picture":
            parts.append(("words/alone", self._word_numbers(case, side, findings)))
        if case.question.picture is not None and side.pictures is not None:
            alike = _nearest(case.question.picture, side.pictures)
            curve = "copy/alone" if case.emphasis.wants_copies else "picture/alone"
            parts.append((curve, {"picture": alike}))
        return parts or [("words/alone", self._turned_numbers(case, side))]

    def _in_shop(self, case: Case, asked: Asked) -> Case:
        """The question in the light of what recall holds to be the best answers."""
        sides = [each for each in self.sides.documents(asked.best) if isinstance(each, Side)]
        evidence = [side.evidence for side in sides]
        if not sides or any(each is None for each in evidence):
            return case
        standings = [_standing(case.mode, each) for each in evidence if each is not None]
        best = Best(sides, standings, BY_PICTURE if case.mode == "picture" else BY_WORDS)
        seen = replace(case, best=best)
        return replace(
            seen,
            top=max(_match(seen, side) for side in sides),
            best_coverage=max(each.coverage for each in evidence if each is not None),
        )

    def _shop_numbers(self, case: Case, side: Side, findings: Sequence[Finding]) -> Numbers:
        return {
            "match": _match(case, side),
            "top": case.top,
            "best_coverage": case.best_coverage,
            **_granted(findings),
        }

    def _word_numbers(self, case: Case, side: Side, findings: Sequence[Finding]) -> Numbers:
        said = None if case.asking is None else case.asking.weigh(side.terms)
        coverage, agreement = (0.0, 0.0) if said is None else said
        match = (
            math.sqrt(coverage)
            + _AGREEMENT * agreement
            + _TEXT * _by_text(case, side)
            + _PICTURE * _by_pictures(case.levels, case.question.text, side.pictures)
        )
        return {"match": match, **_granted(findings)}

    def _turned_numbers(self, case: Case, side: Side) -> Numbers:
        """A picture asks for words: how well the words would find the picture."""
        words = rows(self._encoder.encode_texts([side.words], as_query=True))[0] if side.words else None
        picture = None if case.question.picture is None else case.question.picture[None, :]
        return {
            "match": _PICTURE * _by_pictures(self._levels(words), words, picture),
            **_granted(()),
        }

    def _sentence_numbers(self, case: Case, side: Side) -> Numbers:
        coverage = 0.0 if case.asking is None else case.asking.weigh(side.terms).coverage
        return {
            "text": _by_text(case, side),
            "coverage": coverage,
        }

    def _levels(self, question: Row | None) -> Levels | None:
        return None if self._background is None or question is None else self._background.around(question)

    def _asking(self, understood: Understanding) -> Asking:
        """Words weighed as if a typical shop had them."""
        counts = {
            token: round(TYPICAL_SHOP * self._typical.get((unit.concept or "word").partition(":")[0], 0.01))
            for unit in understood.units
            for token in unit.tokens
        }
        return Asking(understood, counts, TYPICAL_SHOP, self._language)

    def _shown(self, side: Side) -> Mapping[str, float]:
        """The share of each colour in the document's main picture; empty without one."""
        if self._colours is None or side.pictures is None:
            return {}
        return dict(zip(self._colour_words, self._colours.colours_shown(side.pictures[0]), strict=True))


def _by_text(case: Case, side: Side) -> float:
    if case.levels is None or case.question.text is None or side.text is None:
        return 0.0
    return case.levels.of_text(float(case.question.text @ side.text))


def _by_pictures(levels: Levels | None, question: Row | None, pictures: Row | None) -> float:
    if levels is None or question is None or pictures is None:
        return 0.0
    return levels.of_picture(_nearest(question, pictures))


def _mode(question: Question, wishes: Sequence[Wish]) -> str:
    if question.picture is not None:
        return "both" if wishes else "picture"
    return "words" if any(wish.concept for wish in wishes) else "sentence"


def _standing(mode: str, evidence: Evidence) -> float:
    """What recall sorted by."""
    return (evidence.picture_similarity or 0.0) if mode == "picture" else evidence.fused


def _match(case: Case, side: Side) -> float:
    """Recall's evidence, and how much the product resembles the best."""
    if case.best is None or side.evidence is None:
        return 0.0
    by_picture, by_text, by_sort = _RESEMBLANCE.get(case.mode, _RESEMBLANCE["words"])
    match = _standing(case.mode, side.evidence)
    if by_picture or by_text:
        match += by_picture * case.best.by_picture(side) + by_text * case.best.by_text(side)
    return match + (by_sort * case.best.by_sort(side) if by_sort else 0.0)


def _granted(findings: Sequence[Finding]) -> Numbers:
    """Whether all is granted, and what is wrong."""
    wanted = [each for each in findings if not each.wish.is_refused]
    wrong = [each for each in wanted if each.standing < 0]
    return {
        "full": float(bool(wanted) and all(each.standing >= _FULL for each in wanted)),
        "wrong_kind": max((-each.standing for each in wrong if each.wish.kind == KIND), default=0.0),
        "wrong_attribute": max(
            (-each.standing for each in wrong if each.wish.kind in ("color", "gender")), default=0.0
        ),
        "refused": max((each.standing for each in findings if each.wish.is_refused), default=0.0),
    }


def _nearest(question: Row, pictures: Row) -> float:
    return float((pictures @ question).max())


def _basis(case: Case, side: Side, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Which evidence there was."""
    held = [each for each in findings if each.wish.concept and each.holds is not None]
    words = case.question.text is not None
    named = {
        "attributes": bool(held),
        "words": words and bool(side.terms.strong),
        "text": words and side.text is not None,
        "picture": side.pictures is not None,
        "shop": case.best is not None and side.evidence is not None,
    }
    return tuple(name for name, there in named.items() if there)
