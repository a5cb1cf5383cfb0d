"""What the page says in the reader's language: what the query was read as, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from api.errors import status_of, told, when_again
from core.database_errors import DatabaseUnreachable
from core.door_errors import AnswerTooSlow, ServerBusy, TooMuchWork
from core.errors import (
    ForgottenPicture,
    InvalidDocument,
    InvalidFilter,
    LycheeError,
    NoReranker,
    RerankerProblem,
    UnknownCatalog,
    UnknownPreset,
    UnknownProduct,
    UnreadableImage,
)
from core.language import Language
from web import texts

_BOUND = re.compile(r"price (>=|<=) (.+)")
_SENTENCES: dict[type[LycheeError], str] = {
    UnreadableImage: "problem_picture",
    ForgottenPicture: "problem_forgotten",
    InvalidFilter: "problem_filter",
    UnknownCatalog: "problem_catalog",
    UnknownProduct: "problem_product",
    InvalidDocument: "problem_document",
    UnknownPreset: "problem_preset",
    NoReranker: "no_judge",
    RerankerProblem: "problem_judge",
    ServerBusy: "problem_busy",
    AnswerTooSlow: "problem_busy",
    TooMuchWork: "problem_too_often",
    DatabaseUnreachable: "problem_away",
}
_SAID = ("problem_busy", "problem_too_often", "problem_away")
"""Nothing that a shopper could do is in the error's own words."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal as the page shows it."""

    sentence: str
    detail: str
    """The error's own words, in English."""
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """When to ask again."""


def problem_of(error: LycheeError, language: str) -> Problem:
    """The refusal in the reader's language, with the error's own words."""
    key = next((key for kind, key in _SENTENCES.items() if isinstance(error, kind)), "problem")
    detail = "" if key in _SAID else told(error)
    return Problem(texts(language)[key], detail, status_of(error), when_again(error))


def tags(understood: Sequence[str], names: Language, language: str) -> list[str]:
    """What a query was read as (`color:black`, `not kind:bag`, `price <= 200`), in words."""
    return list(dict.fromkeys(_said(each, names, language) for each in understood))


def _said(each: str, names: Language, language: str) -> str:
    words = texts(language)
    bound = _BOUND.fullmatch(each)
    if bound:
        return words["at_least" if bound[1] == ">=" else "at_most"].format(bound[2])
    unwanted, concept = each.startswith("not "), each.removeprefix("not ")
    name = names.name(concept, language) if ":" in concept else concept
    return words["without"].format(name) if unwanted else name
