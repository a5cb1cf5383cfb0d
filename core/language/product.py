"""Reads a product's texts: the tokens that it is found by, and the sentence that the encoder reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from core.language.attributes import Told, told_attributes
from core.language.compounds import compounds_of
from core.language.heads import head_tokens
from core.language.negation import negations
from core.language.normal import clean, prose
from core.language.reading import Reader, Word
from core.language.terms import ProductTerms
from core.language.tokens import gloss_tokens, han_tokens, index_tokens, join_measures
from core.language.wearers import dress_children
from core.types import Product

MAX_TITLE = 500
MAX_DESCRIPTION = 5_000
MAX_CATEGORY = 500
TEXT_DESCRIPTION = 380
_TELLING = ("color", "material", "pattern", "gender", "age", "style", "season", "feature", "brand", "size")


def product_terms(product: Product, fields: Collection[str], reader: Reader) -> ProductTerms:
    """The tokens of the fields that count; a field that doesn't leaves no trace."""
    strong: set[str] = set()
    weak: set[str] = set()
    named: set[str] = set()
    for text in _names(product, fields):
        named |= _read_into(strong, weak, text, reader, about=None)
    if "attributes" in fields:
        for told in told_attributes(product.attributes):
            named |= _read_into(strong, weak, told.text, reader, about=told.kind)
            strong.update(told.concepts)
            strong.update(
                wider for concept in told.concepts for wider in reader.vocabulary.concept(concept).broader
            )
    if "description" in fields:
        _read_into(weak, weak, prose(product.description, MAX_DESCRIPTION), reader, about=None)
    dress_children(strong, named)
    strong |= head_tokens(product, fields, reader)
    return ProductTerms(frozenset(strong), frozenset(weak - strong))


def product_text(product: Product, fields: Collection[str]) -> str:
    """Titles, category, telling attributes and the beginning of the description, each ended by a full stop."""
    parts = list(_names(product, fields))
    if "attributes" in fields:
        parts.append(" ".join(_telling(told_attributes(product.attributes))))
    if "description" in fields:
        parts.append(prose(product.description, 4 * TEXT_DESCRIPTION)[:TEXT_DESCRIPTION])
    return " ".join(part.rstrip(".。 ") + "." for part in dict.fromkeys(parts) if part.strip(".。 "))


def _names(product: Product, fields: Collection[str]) -> Iterator[str]:
    if "title" in fields:
        for title in dict.fromkeys((product.title, *product.titles.values())):
            yield prose(title, MAX_TITLE)
    if "category" in fields:
        yield clean(" / ".join(product.category)[: 2 * MAX_CATEGORY], MAX_CATEGORY)


def _telling(told: Collection[Told]) -> Iterator[str]:
    rank = {kind: place for place, kind in enumerate(_TELLING)}
    for one in sorted((one for one in told if one.kind in rank), key=lambda one: rank[one.kind or ""]):
        yield one.text


def _read_into(strong: set[str], weak: set[str], text: str, reader: Reader, *, about: str | None) -> set[str]:
    """What a text says goes into `strong`; the English of its Chinese words, which may be wrong, into `weak`.

    Answers the concepts that the words name themselves.
    """
    if not text:
        return set()
    text = join_measures(text)
    words = _affirmed(text, reader.read(text, about=about))
    strong.update(index_tokens(words, reader))
    strong.update(han_tokens(text, words, reader))
    if about is None:
        strong.update(compounds_of(reader).named(words))
    for word in words:
        weak.update(gloss_tokens(word, reader))
    return {concept for word in words for concept in (*word.concepts, *word.implied)}


def _affirmed(text: str, words: list[Word]) -> list[Word]:
    """The words without those that the text says the product does not have."""
    scopes = [scope for scope in negations(text, words) if words[scope.start].piece.text not in ("not", "no")]
    if not scopes:
        return words
    return [
        word
        for at, word in enumerate(words)
        if not any(s.refused_start <= at < s.refused_end for s in scopes)
    ]
