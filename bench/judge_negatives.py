"""Explicit negatives: candidates that plainly contradict what is asked, made from what judged shops state."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from core.language import Language
from core.types import Product, Score
from rerank.instructions import PRODUCT_INSTRUCTION
from rerank.judgement import Asked, Document, Reranker
from rerank.products import text_of

STATED = {"color": "color", "pattern": "pattern", "gender": "gender"}
PER_KIND = 150


@dataclass(frozen=True, slots=True)
class Negative:
    """A query, and a product that is all it asks for but one thing."""

    kind: str
    """What is wrong: color, pattern, gender, kind, refused."""
    query: str
    product: Product


def negatives(products: list[Product], language: Language) -> Iterator[Negative]:
    """From products that state colour, pattern, gender and what they are; every query in English and Chinese."""
    for kind, attribute in STATED.items():
        found = list(_contradictions(kind, attribute, products, language))
        yield from sorted(found, key=_chance)[:PER_KIND]
    others = sorted(_others(products, language), key=_chance)
    for kind in ("kind", "refused"):
        yield from [each for each in others if each.kind == kind][:PER_KIND]


def _contradictions(
    kind: str, attribute: str, products: list[Product], language: Language
) -> Iterator[Negative]:
    stated = {each.id: _concepts(each, attribute, kind, language) for each in products}
    all_concepts = sorted({concept for concepts in stated.values() for concept in concepts})
    for product in products:
        thing = _thing(product, language)
        if thing is None or len(stated[product.id]) != 1:
            continue
        for concept in all_concepts:
            if _kin(concept, stated[product.id][0], language):
                continue
            for spoken in ("en", "zh"):
                yield Negative(kind, _said(concept, thing, spoken, language), product)


def _others(products: list[Product], language: Language) -> Iterator[Negative]:
    """Another thing of the same colour, and the very thing in the colour that was refused."""
    things = sorted({thing for each in products if (thing := _thing(each, language))})
    for product in products:
        thing, colours = _thing(product, language), _concepts(product, "color", "color", language)
        if thing is None or len(colours) != 1:
            continue
        for other in things:
            if not _kin(other, thing, language):
                yield Negative("kind", _said(colours[0], other, "en", language), product)
                yield Negative("kind", _said(colours[0], other, "zh", language), product)
        colour, name = (language.name(each, "en") for each in (colours[0], thing))
        yield Negative("refused", f"{name}, not {colour}", product)
        yield Negative(
            "refused", f"{language.name(thing, 'zh')} 不要{language.name(colours[0], 'zh')}", product
        )


def _concepts(product: Product, attribute: str, kind: str, language: Language) -> list[str]:
    text = " ".join(product.attributes.get(attribute, ()))
    units = language.understand(text).units if text else ()
    return [unit.concept for unit in units if unit.concept and unit.concept.startswith(f"{kind}:")]


def _thing(product: Product, language: Language) -> str | None:
    """What the product's own title says it is."""
    heads = [
        unit.concept for unit in language.understand(product.title).units if unit.is_head and unit.concept
    ]
    return heads[0] if len(heads) == 1 else None


def _kin(one: str, other: str, language: Language) -> bool:
    """Whether one is a sort of the other."""
    return one == other or one in language.narrower(other) or other in language.narrower(one)


def _said(concept: str, thing: str, spoken: str, language: Language) -> str:
    return (" " if spoken == "en" else "").join(
        (language.name(concept, spoken), language.name(thing, spoken))
    )


def _chance(negative: Negative) -> int:
    """An order that is the same every time, and no order of the feed."""
    return zlib.crc32(f"{negative.kind}{negative.query}{negative.product.id}".encode())


def shares_low(judge: Reranker, found: list[Negative]) -> dict[str, tuple[int, float]]:
    """For each kind of contradiction, how many were judged, and the share of them under 0.4."""
    low: dict[str, list[bool]] = {}
    for each in found:
        document = Document(text_of(each.product), product=each.product)
        (score,) = judge.score(Asked(each.query, instruction=PRODUCT_INSTRUCTION), [document])
        if isinstance(score, Score):
            low.setdefault(each.kind, []).append(score.relevance < 0.4)
    return {kind: (len(each), sum(each) / len(each)) for kind, each in low.items()}
