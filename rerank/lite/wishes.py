"""What a query asks for and refuses, one by one, and whether a document's words and pictures have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.language import KNOWN, Language, ProductTerms, Understanding, Unit, head_token
from core.types import Check

KIND, WORD = "kind", "word"
RIVALRY = ("color", "gender", "pattern", "material", "age")
"""Kinds of which a document that states others, and not the one asked for, contradicts the query."""
SHADED = ("color", "gender", "age")
"""Of these, what shares a broader concept with the one asked for is a shade of it and contradicts nothing."""
KIND_WEIGHT = 2.0
"""What the thing itself weighs beside one of its properties."""
MENTION = -0.5
"""How far a document that is about another thing, and only names the one asked for, has it: a case for the phone."""
STATED, TOLD = 0.95, 0.7
"""How sure it is what a title, category or attribute says, and what a description says."""
SHOWN_LEAST, SHOWN_SURE = 0.02, 0.12
"""Share of a colour in a picture under which it isn't there, and over which it surely is; bench/judge.py counts both."""
SEEN = 0.6
"""How sure a picture's colours make us; light and background deceive."""
DOUBT = 0.6
"""What is left of a text's certainty when the picture shows otherwise."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that a query asks for or refuses."""

    kind: str
    """color, pattern, kind, …; `word` for what is no concept."""
    name: str
    tokens: frozenset[str]
    concept: str | None = None
    broader: frozenset[str] = frozenset()
    narrower: frozenset[str] = frozenset()
    rivals: frozenset[str] = frozenset()
    head: str | None = None
    """The token of documents that are the thing themselves, where the query is about it."""
    colour: str | None = None
    """The colour word of pictures that it stands for."""
    is_refused: bool = False

    @property
    def weight(self) -> float:
        """What it weighs among the others."""
        return KIND_WEIGHT if self.kind == KIND else 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """How one wish stands in one document."""

    wish: Wish
    standing: float
    """1 has it, 0 doesn't tell, -1 has another one; for what is refused 1 is that it is there."""
    confidence: float
    is_doubted: bool = False
    """Whether the picture shows otherwise than the words say."""

    @property
    def holds(self) -> bool | None:
        """Whether the wish is granted; None where nothing tells."""
        if self.wish.is_refused:
            return self.standing <= 0
        return None if self.standing == 0 else self.standing > 0

    @property
    def check(self) -> Check:
        """As an answer shows it."""
        wanted = f"not {self.wish.name}" if self.wish.is_refused else self.wish.name
        return Check(self.wish.kind, wanted, self.holds, round(self.confidence, 2))


def wishes_of(understood: Understanding, language: Language, colours: Mapping[str, int]) -> tuple[Wish, ...]:
    """All that a query names, the wanted before the refused; `colours` are the words that pictures are read in."""
    spoken = "zh" if understood.gloss is not None else "en"
    wanted = [_wish(unit, language, colours, spoken) for unit in understood.units]
    return (*wanted, *(_refused(unit, language, spoken) for unit in understood.excluded))


def find_all(wishes: Sequence[Wish], terms: ProductTerms, shown: Mapping[str, float]) -> tuple[Finding, ...]:
    """How each wish stands; a document that is one of the things asked for may well only name the others."""
    found = [find(wish, terms, shown) for wish in wishes]
    if not any(each.wish.head and each.standing == 1.0 for each in found):
        return tuple(found)
    return tuple(
        replace(each, standing=0.5 if each.standing == MENTION else 0.0, confidence=0.0)
        if each.wish.head and each.standing < 0
        else each
        for each in found
    )


def find(wish: Wish, terms: ProductTerms, shown: Mapping[str, float]) -> Finding:
    """How the wish stands; `shown` is the share of each colour in the document's picture, empty without one."""
    standing, confidence = _said(wish, terms)
    if wish.colour is None or wish.is_refused or not shown:
        return Finding(wish, standing, confidence)
    share = shown.get(wish.colour, 0.0)
    if standing > 0 and share < SHOWN_LEAST:
        return Finding(wish, standing, confidence * DOUBT, is_doubted=True)
    if standing == 0 and share > SHOWN_SURE:
        return Finding(wish, 0.5, SEEN)
    return Finding(wish, standing, confidence)


def _said(wish: Wish, terms: ProductTerms) -> tuple[float, float]:
    """Standing and confidence by the words alone."""
    strong, weak = terms.strong, terms.weak
    named = 1.0 if not wish.tokens.isdisjoint(strong) else 0.5 if not wish.tokens.isdisjoint(weak) else 0.0
    if wish.head is not None and KNOWN in strong and wish.head not in strong:
        return (MENTION, TOLD) if named else (-1.0, STATED)
    if wish.rivals and named < 1.0:
        stated = (wish.rivals & strong) - wish.narrower
        if wish.kind in SHADED:
            stated = stated if stated.isdisjoint(wish.broader) else frozenset()
        if stated - wish.broader:
            return -1.0, STATED if named == 0 else TOLD
    if wish.is_refused and not named:
        return 0.0, TOLD
    return named, STATED if named == 1.0 else TOLD if named else 0.0


def _wish(unit: Unit, language: Language, colours: Mapping[str, int], spoken: str) -> Wish:
    if unit.concept is None:
        return Wish(WORD, unit.tokens[0], frozenset(unit.tokens))
    kind = unit.concept.partition(":")[0]
    named = (each.partition(":")[2] for each in (unit.concept, *unit.broader))
    return Wish(
        kind,
        language.name(unit.concept, spoken),
        frozenset(unit.tokens),
        unit.concept,
        frozenset(unit.broader),
        language.narrower(unit.concept),
        language.concepts(kind) - {unit.concept} if kind in RIVALRY else frozenset(),
        head_token(unit.concept) if unit.is_head else None,
        next((name for name in named if name in colours), None) if kind == "color" else None,
    )


def _refused(unit: Unit, language: Language, spoken: str) -> Wish:
    name = language.name(unit.concept, spoken) if unit.concept else unit.tokens[0]
    kind = unit.concept.partition(":")[0] if unit.concept else WORD
    return Wish(kind, name, frozenset(unit.tokens), unit.concept, is_refused=True)
