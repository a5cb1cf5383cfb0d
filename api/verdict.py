"""A judge's score as the pages show it: a number, a band in words, what holds and what contradicts."""

from __future__ import annotations

from dataclasses import dataclass

from core.language import Language
from core.types import Check, Score
from web import texts

_HOLDS = {True: "holds", False: "contradicts", None: "unknown"}


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """One attribute that was asked for."""

    state: str
    """holds, contradicts or unknown: the key of a text, and the name of a colour."""
    attribute: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One score."""

    relevance: str
    """As it is read: 0.89."""
    band: str
    """high, medium or low: the key of a text, and the name of a colour."""
    checks: tuple[ShownCheck, ...] = ()
    basis: tuple[str, ...] = ()
    """Which evidence there was, in words."""
    cut: bool = False


def verdict_of(score: Score, names: Language, language: str) -> Verdict:
    """The score in the reader's language."""
    words = texts(language)
    return Verdict(
        relevance=f"{score.relevance:.2f}",
        band=score.band.value,
        checks=tuple(_shown(check, names, language) for check in score.checks),
        basis=tuple(words.get(f"basis_{each}", each) for each in score.basis),
        cut=score.cut,
    )


def _shown(check: Check, names: Language, language: str) -> ShownCheck:
    words = texts(language)
    return ShownCheck(
        state=_HOLDS[check.holds],
        attribute=words.get(f"attr_{check.attribute}", check.attribute),
        wanted=_wish(check, names, language),
    )


def _wish(check: Check, names: Language, language: str) -> str:
    """What is wanted, by its name in the reader's language where the vocabulary knows it."""
    unwanted, wanted = check.wanted.startswith("not "), check.wanted.removeprefix("not ")
    concept = f"{check.attribute}:{wanted.lower().replace(' ', '-')}"
    if concept in names.concepts(check.attribute):
        wanted = names.name(concept, language)
    return texts(language)["without"].format(wanted) if unwanted else wanted
