"""Finds what a query does not want: the words after not, without, 不要, 不带 …, up to the end of the clause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.language.reading import Word

_CLAUSE_END = re.compile(r"[,.;:!?|，。；！？、\n()\[\]【】（）]")
_NOT_FREE_OF = frozenset(
    {"shipping", "size", "gift", "return", "returns", "standing", "people", "delivery", "sample"}
)
_LEAD_ON = frozenset({"for", "with", "in", "from"})
_ADDITIVE = frozenset({"only", "just"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Words [start, end) are steered by a negation; those in [refused_start, refused_end) are what isn't wanted."""

    start: int
    end: int
    refused_start: int
    refused_end: int


def negations(text: str, words: Sequence[Word]) -> list[Scope]:
    """The negations of a text, in order, not overlapping."""
    found: list[Scope] = []
    at = 0
    while at < len(words):
        scope = _scope_at(text, words, at)
        if scope is not None:
            found.append(scope)
            at = scope.end
        else:
            at += 1
    return found


def _scope_at(text: str, words: Sequence[Word], at: int) -> Scope | None:
    if words[at].grammar == "not":
        start = at + 2 if at + 1 < len(words) and words[at + 1].piece.text in _LEAD_ON else at + 1
        end = _end(text, words, start)
        refused_end = _without_head(words, start, end)
        if refused_end <= start or _counts(words[start]):
            return None
        closing = (
            refused_end == end
            and end < len(words)
            and words[end].piece.text in ("的", "以外", "之外", "外", "都")
        )
        return Scope(at, end + 1 if closing else refused_end, start, refused_end)
    if at + 1 < len(words) and words[at + 1].grammar == "free" and _is_free_of(text, words, at):
        return Scope(at, at + 2, at, at + 1)
    return None


def _end(text: str, words: Sequence[Word], at: int) -> int:
    """Where the clause that begins at a word ends."""
    start = at
    while at < len(words):
        before = text[words[at - 1].piece.end : words[at].piece.start] if at else ""
        if _CLAUSE_END.search(before) or words[at].grammar in ("but", "not"):
            break
        if at == start and words[at].piece.text in _ADDITIVE:
            return at
        at += 1
    return at


def _without_head(words: Sequence[Word], start: int, end: int) -> int:
    """In "not red dress" the dress is wanted: a thing after properties is, unless the query names another thing."""
    if end - start < 2 or not words[end - 1].is_goods:
        return end
    properties = [word for word in words[start : end - 1] if word.grammar is None]
    elsewhere = any(word.is_goods for word in (*words[: start - 1], *words[end:]))
    only_properties = bool(properties) and all(word.concept and not word.is_goods for word in properties)
    return end - 1 if only_properties and not elsewhere else end


def _counts(word: Word) -> bool:
    """No. 5 is a number."""
    return word.piece.text[:1].isdigit()


def _is_free_of(text: str, words: Sequence[Word], at: int) -> bool:
    gap = text[words[at].piece.end : words[at + 1].piece.start]
    following = words[at + 2].piece.text if at + 2 < len(words) else ""
    return gap in ("-", " ") and words[at].grammar is None and following not in _NOT_FREE_OF
