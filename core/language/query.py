"""Understands what a shopper typed: what is wanted, what is not, and for how much."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from core.language.gloss import gloss_of
from core.language.heads import heads_of
from core.language.negation import Scope, negations
from core.language.normal import clean, has_han
from core.language.prices import split_price
from core.language.reading import Reader, Word
from core.language.terms import Understanding, Unit
from core.language.tokens import further_units, join_measures, unit_of
from core.language.wearers import said_for_children

MAX_CHARACTERS = 2_000
_LEFT_OVER = re.compile(r"\s+([,，.。;；])")
_OR = frozenset({"or", "或", "或者", "还是"})
_DANGLING = re.compile(r"(?:[\s,]+(?:but|and|or|that|which|is|are|with|i))+$", re.IGNORECASE)


def understand(text: str, reader: Reader) -> Understanding:
    """Reads a query."""
    whole = clean(text, MAX_CHARACTERS)
    price = split_price(whole)
    asked = join_measures(price.text)
    words = reader.read(asked)
    scopes = negations(asked, words)
    wanted = [word for at, word in enumerate(words) if not any(s.start <= at < s.end for s in scopes)]
    refused = [word for scope in scopes for word in words[scope.refused_start : scope.refused_end]]
    if not any(word.is_goods for word in wanted):
        wanted, refused = _spared_goods(wanted, refused, reader)
    refused, lacking = _lacked(refused, reader)
    units = _units(said_for_children([*wanted, *lacking]), reader)
    positive = _without(asked, words, scopes)
    heads = heads_of(positive, reader)
    return Understanding(
        text=whole,
        positive_text=positive,
        units=tuple(replace(unit, is_head=unit.concept in heads) for unit in units)
        or _fallback(wanted, reader),
        excluded=_units(refused, reader, wanted=False),
        gloss=gloss_of(wanted, reader) if has_han(whole) else None,
        price_min=price.lowest,
        price_max=price.highest,
    )


def _units(words: Sequence[Word], reader: Reader, *, wanted: bool = True) -> tuple[Unit, ...]:
    found: dict[tuple[str, ...], Unit] = {}
    for at, word in enumerate(words):
        if word.grammar is None and (choice := _choice(words, at, reader)) is not None:
            found.setdefault(choice.tokens, choice)
        elif word.grammar is None and not _is_chosen(words, at):
            for unit in (unit_of(word, reader), *(further_units(word, reader) if wanted else ())):
                found.setdefault(unit.tokens, unit)
    return tuple(found.values())


def _choice(words: Sequence[Word], at: int, reader: Reader) -> Unit | None:
    """ "Red or blue" asks for one thing that may be either."""
    if _is_chosen(words, at) or not _is_chosen(words, at + 2):
        return None
    options = [words[at]]
    while _is_chosen(words, at + 2):
        at += 2
        options.append(words[at])
    return Unit(tuple(dict.fromkeys(token for option in options for token in unit_of(option, reader).tokens)))


def _is_chosen(words: Sequence[Word], at: int) -> bool:
    """Whether the word is a further option of the same sort as the one two words before it."""
    if at < 2 or at >= len(words) or words[at - 1].piece.text not in _OR:
        return False
    before, here = words[at - 2].concept, words[at].concept
    return before is not None and here is not None and before.partition(":")[0] == here.partition(":")[0]


def _spared_goods(wanted: list[Word], refused: list[Word], reader: Reader) -> tuple[list[Word], list[Word]]:
    """ "Not leather shoes" asks for shoes: of a refused form that names a property too, the thing is wanted."""
    at = next((at for at, word in enumerate(refused) if word.is_goods and word.implied), None)
    if at is None:
        return wanted, refused
    word = refused[at]
    parents = reader.vocabulary.concept(word.concept or "").parents
    thing = next((parent for parent in parents if parent.startswith("kind:")), word.concept or "")
    left = [*refused[:at], Word(word.piece, word.implied), *refused[at + 1 :]]
    return [*wanted, Word(word.piece, (thing,))], left


def _lacked(refused: Sequence[Word], reader: Reader) -> tuple[list[Word], list[Word]]:
    """The refused words, and the names of their absence, which products that lack them bear (无钢圈, alcohol-free).

    What is had (带帽子) is refused as the property that having it is, not as a thing for sale.
    """
    kept: list[Word] = []
    lacking: list[Word] = []
    for word in refused:
        text, is_han = word.piece.text, word.piece.is_han
        having = reader.meanings(f"带{text}") if is_han and (word.concept is None or word.is_goods) else ()
        absence = reader.meanings(f"无{text}" if is_han else f"{text} free") if not having else ()
        if absence and word.grammar is None:
            lacking.append(Word(word.piece, absence[:1]))
        # A lone character without a meaning stands in too many words to refuse any: 能 in 多功能.
        means_nothing = is_han and len(text) == 1 and word.concept is None and not having
        if word.concept is not None or not (absence or means_nothing):
            kept.append(Word(word.piece, having) if having else word)
    return kept, lacking


def _fallback(words: Sequence[Word], reader: Reader) -> tuple[Unit, ...]:
    """A query of nothing but little words (The Who) asks for these."""
    bare = [Word(word.piece) for word in words]
    return _units(bare, reader)


def _without(text: str, words: Sequence[Word], scopes: Sequence[Scope]) -> str:
    """The text without what is negated."""
    kept, at = "", 0
    for scope in scopes:
        kept += text[at : words[scope.start].piece.start] + " "
        at = words[scope.end - 1].piece.end
    kept = _LEFT_OVER.sub(r"\1", kept + text[at:])
    tidy = " ".join(kept.split()).strip(" ,，;；、。").removeprefix("的")
    return _DANGLING.sub("", tidy) if scopes else tidy
