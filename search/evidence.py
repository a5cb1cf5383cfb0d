"""How much of what a query says a product's texts say: coverage by rarity, and attributes that hold or contradict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.language import ProductTerms, Understanding, Unit

WEAK_SHARE = 0.5
"""A word of the description counts half as much as one of the title, category or attributes."""
EXCLUSIVE_KINDS = ("color:", "gender:")
"""Attributes of which a product that states another one contradicts the query; other kinds may stand together."""


@dataclass(frozen=True, slots=True)
class AskedUnit:
    """One unit of the query with its rarity in the catalog."""

    unit: Unit
    rarity: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query's words ask for, weighted for one catalog."""

    wanted: tuple[AskedUnit, ...]
    excluded: tuple[Unit, ...]
    total_rarity: float

    @property
    def concepts(self) -> tuple[Unit, ...]:
        """The units whose concept a product can hold or contradict."""
        return tuple(asked.unit for asked in self.wanted if asked.unit.concept)


def weigh(understood: Understanding, frequencies: Mapping[str, int], products: int) -> Asked:
    """Gives each unit its inverse document frequency; an alternative counts by its most frequent token."""
    wanted = tuple(
        AskedUnit(
            unit, _rarity(max((frequencies.get(token, 0) for token in unit.tokens), default=0), products)
        )
        for unit in understood.units
    )
    return Asked(wanted, understood.excluded, sum(asked.rarity for asked in wanted))


def _rarity(frequency: int, products: int) -> float:
    # BM25's idf, which stays positive for words that most products have.
    return math.log(1.0 + (products - frequency + 0.5) / (frequency + 0.5))


def coverage(asked: Asked, terms: ProductTerms) -> float:
    """Share of the query that the product's texts have, by rarity: 0…1."""
    if not asked.total_rarity:
        return 0.0
    found = sum(each.rarity * _strength(each.unit, terms) for each in asked.wanted)
    return found / asked.total_rarity


def _strength(unit: Unit, terms: ProductTerms) -> float:
    if any(token in terms.strong for token in unit.tokens):
        return 1.0
    return WEAK_SHARE if any(token in terms.weak for token in unit.tokens) else 0.0


def agreement(asked: Asked, terms: ProductTerms) -> float:
    """Share of the asked concepts that hold minus the share contradicted, exclusions counted against: -1…1."""
    concepts = asked.concepts
    held = sum(_holds(unit, terms) for unit in concepts)
    contradicted = sum(contradicts(unit, terms) for unit in concepts)
    broken = sum(_strength(unit, terms) > 0 for unit in asked.excluded)
    parts = len(concepts) + len(asked.excluded)
    return (held - contradicted - broken) / parts if parts else 0.0


def _holds(unit: Unit, terms: ProductTerms) -> bool:
    return unit.concept in terms.strong or unit.concept in terms.weak


def contradicts(unit: Unit, terms: ProductTerms) -> bool:
    """Whether the product states other concepts of an exclusive kind, and none that is, or is wider than, this one."""
    concept = unit.concept or ""
    kind = next((kind for kind in EXCLUSIVE_KINDS if concept.startswith(kind)), None)
    if kind is None or concept in terms.strong:
        return False
    stated = {token for token in terms.strong if token.startswith(kind)}
    return bool(stated) and stated.isdisjoint(unit.broader)
