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
_PREFIXES = frozenset({"不", "无", "非", "不加"})
"""Refuse the one word that they stand before: 无帽卫衣女 has no hood, and wants the rest."""
_BOUND = frozenset({"不带", "没带", "不含", "没有", "没"})
"""Refuse one word, or all up to a 的."""
_APART = frozenset({"以外", "之外", "除外"})
_AND = frozenset({"和", "与", "及", "或", "跟"})


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
        refused_end = _refused_end(words, at, start, end)
        if refused_end <= start or _counts(words[start]):
            return None
        closing = (
            refused_end == end
            and end < len(words)
            and words[end].piece.text in ("的", "以外", "之外", "外", "都")
        )
        return Scope(at, end + 1 if closing else refused_end, start, refused_end)
    if words[at].concept is not None and at + 1 < len(words) and words[at + 1].piece.text in _APART:
        return Scope(at, at + 2, at, at + 1)
    if at + 1 < len(words) and words[at + 1].grammar == "free" and _is_free_of(text, words, at):
        return Scope(at, at + 2, at, at + 1)
    return None


def _end(text: str, words: Sequence[Word], at: int) -> int:
    """Where the clause that begins at a word ends."""
    start = at
    spaced = _gap(text, words, start) != ""
    while at < len(words):
        before = _gap(text, words, at)
        if _CLAUSE_END.search(before) or words[at].grammar in ("but", "not"):
            break
        if at > start and before and not spaced and words[at].piece.is_han and words[at - 1].piece.is_han:
            break  # Chinese puts a space between requests: 别太短 过膝
        if at == start and words[at].piece.text in _ADDITIVE:
            return at
        at += 1
    return at


def _gap(text: str, words: Sequence[Word], at: int) -> str:
    """What stands between a word and the one before it."""
    return text[words[at - 1].piece.end : words[at].piece.start] if 0 < at < len(words) else ""


def _refused_end(words: Sequence[Word], at: int, start: int, end: int) -> int:
    """Where what a negation refuses ends, within its clause."""
    negation = words[at].piece.text
    if negation == "不" and (start >= end or words[start].concept is None or words[start].is_goods):
        return start  # 不 before a plain word is part of a verb: 不透
    closed = end < len(words) and words[end].piece.text == "的"
    if negation in _PREFIXES or (negation in _BOUND and not closed):
        return _one_word_end(words, start, end)
    return _without_head(words, start, end)


def _one_word_end(words: Sequence[Word], start: int, end: int) -> int:
    """The end of the next word that means something, and of those joined to it by "and"."""
    at = start
    while at < end and words[at].grammar is not None:
        at += 1
    at = min(at + 1, end)
    while at + 1 < end and words[at].piece.text in _AND:
        at += 2
    return at


def _without_head(words: Sequence[Word], start: int, end: int) -> int:
    """In "not red dress" the dress is wanted: a thing after properties is, unless the query names another thing.

    What follows the thing is wanted with it: 不要长袖衬衫男 is for a man.
    """
    things = [at for at in range(start, end) if words[at].is_goods]
    if len(things) != 1 or any(word.is_goods for word in (*words[: start - 1], *words[end:])):
        return end
    properties = [word for word in words[start : things[0]] if word.grammar is None]
    return things[0] if properties and all(word.concept for word in properties) else end


def _counts(word: Word) -> bool:
    """No. 5 is a number."""
    return word.piece.text[:1].isdigit()


def _is_free_of(text: str, words: Sequence[Word], at: int) -> bool:
    gap = text[words[at].piece.end : words[at + 1].piece.start]
    following = words[at + 2].piece.text if at + 2 < len(words) else ""
    return gap in ("-", " ") and words[at].grammar is None and following not in _NOT_FREE_OF
