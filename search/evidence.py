"""How much of what a query says a product's texts say: coverage by rarity, and attributes that hold or contradict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from core.language import Language, ProductTerms, Understanding, Unit

WEAK_SHARE = 0.5
"""A word of the description counts half as much as one of the title, category or attributes."""
SORT_SHARE = 0.8
"""A product that states a sort of what was asked holds it a little less than one that states the very thing."""
EXCLUSIVE_KINDS = ("color", "gender")
"""Attributes of which a product that states another one contradicts the query; other kinds may stand together."""


class Weighed(NamedTuple):
    """What a product's words say to a query's."""

    coverage: float
    """Share of the query that the texts have, by rarity: 0…1."""
    agreement: float
    """Share of the asked attributes that hold minus the share contradicted or excluded: -1…1."""


@dataclass(frozen=True, slots=True)
class _Asked:
    tokens: frozenset[str]
    rarity: float
    concept: str | None
    rivals: frozenset[str]
    """Concepts that contradict this one when a product states them and nothing wider or equal."""
    broader: frozenset[str]
    narrower: frozenset[str]


class Asking:
    """A query's words, weighted for one catalog, ready to be held against many products."""

    def __init__(
        self,
        understood: Understanding,
        frequencies: Mapping[str, int],
        products: int,
        language: Language,
    ) -> None:
        self._wanted = [_asked(unit, frequencies, products, language) for unit in understood.units]
        self._unwanted = [frozenset(unit.tokens) for unit in understood.excluded]
        self._rarity = sum(each.rarity for each in self._wanted)
        self._parts = sum(1 for each in self._wanted if each.concept) + len(self._unwanted)
        # One intersection a product tells which few tokens matter; all else is asked of that small set.
        self._tokens = frozenset[str]().union(*(each.tokens for each in self._wanted), *self._unwanted)

    def weigh(self, terms: ProductTerms) -> Weighed:
        """How far the product's texts answer the query."""
        strong, weak = self._tokens & terms.strong, self._tokens & terms.weak
        covered, agreed = 0.0, 0.0
        for each in self._wanted:
            if not each.tokens.isdisjoint(strong):
                covered += each.rarity
            elif not each.tokens.isdisjoint(weak):
                covered += each.rarity * WEAK_SHARE
            if each.concept:
                agreed += _stands(each, strong, weak, terms)
        said = strong | weak
        agreed -= sum(1 for tokens in self._unwanted if not tokens.isdisjoint(said))
        return Weighed(
            covered / self._rarity if self._rarity else 0.0, agreed / self._parts if self._parts else 0.0
        )


def _stands(asked: _Asked, strong: frozenset[str], weak: frozenset[str], terms: ProductTerms) -> float:
    """1 where the concept holds, -1 where the product states others of an exclusive kind, 0 where it is silent."""
    if asked.concept in strong:
        return 1.0 if asked.narrower.isdisjoint(terms.strong) else SORT_SHARE
    holds = float(asked.concept in weak)
    if not asked.rivals:
        return holds
    stated = asked.rivals & terms.strong
    return holds - float(bool(stated) and stated.isdisjoint(asked.broader))


def _asked(unit: Unit, frequencies: Mapping[str, int], products: int, language: Language) -> _Asked:
    # An alternative counts by its most frequent token: a rare synonym doesn't make a common wish rare.
    frequency = max((frequencies.get(token, 0) for token in unit.tokens), default=0)
    kind = (unit.concept or "").partition(":")[0]
    return _Asked(
        tokens=frozenset(unit.tokens),
        # BM25's inverse document frequency, which stays positive for words that most products have.
        rarity=math.log(1.0 + (products - frequency + 0.5) / (frequency + 0.5)),
        concept=unit.concept,
        rivals=language.concepts(kind) if kind in EXCLUSIVE_KINDS else frozenset(),
        broader=frozenset(unit.broader),
        narrower=language.narrower(unit.concept) if unit.concept else frozenset(),
    )
