"""How much of what a query says a product's texts say: coverage by rarity, and attributes that hold or contradict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from core.language import KNOWN, Language, ProductTerms, Understanding, Unit, head_token

WEAK_SHARE = 0.5
"""A word of the description counts half as much as one of the title, category or attributes."""
KIND_SHARE = 2.0
"""What the thing asked for counts beside a word of equal rarity: a wrong colour is nearer than a wrong thing."""
MENTION_SHARE, MENTION_HOLDS = 0.6, 0.3
"""A product that only mentions the thing asked for (a case for the phone) covers it, and holds it, this much."""
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
    head: str | None
    """The token of products that are the thing themselves, where the query is about it."""


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
        self._parts = sum(1 for each in self._wanted if each.concept)
        heads = {KNOWN, *(each.head for each in self._wanted if each.head)}
        of_wishes = (each.tokens | each.rivals | each.narrower for each in self._wanted)
        self.tokens = frozenset(heads).union(*of_wishes, *self._unwanted)
        """All that a product is asked about: nothing else that it says counts."""
        self._weighed: dict[ProductTerms, Weighed] = {}

    def weigh(self, terms: ProductTerms) -> Weighed:
        """How far the product's texts answer the query."""
        # Of a thousand candidates most say the same few of the tokens that matter.
        said = ProductTerms(self.tokens & terms.strong, self.tokens & terms.weak)
        weighed = self._weighed.get(said)
        if weighed is None:
            weighed = self._weighed[said] = self._weigh(said.strong, said.weak)
        return weighed

    def _weigh(self, strong: frozenset[str], weak: frozenset[str]) -> Weighed:
        covered, agreed = 0.0, 0.0
        for each in self._wanted:
            mentioned = each.head is not None and KNOWN in strong and each.head not in strong
            share = MENTION_SHARE if mentioned else 1.0
            if not each.tokens.isdisjoint(strong):
                covered += each.rarity * share
            elif not each.tokens.isdisjoint(weak):
                covered += each.rarity * share * WEAK_SHARE
            if each.concept:
                stands = _stands(each, strong, weak)
                agreed += min(stands, MENTION_HOLDS) if mentioned else stands
        # What was refused weighs in full, however many wishes stand beside it.
        broken = sum(_broken(tokens, strong, weak) for tokens in self._unwanted)
        return Weighed(
            covered / self._rarity if self._rarity else 0.0,
            max(-1.0, (agreed / self._parts if self._parts else 0.0) - broken),
        )


def _broken(tokens: frozenset[str], strong: frozenset[str], weak: frozenset[str]) -> float:
    if not tokens.isdisjoint(strong):
        return 1.0
    return WEAK_SHARE if not tokens.isdisjoint(weak) else 0.0


def _stands(asked: _Asked, strong: frozenset[str], weak: frozenset[str]) -> float:
    """1 where the concept holds, -1 where the product states others of an exclusive kind, 0 where it is silent."""
    if asked.concept in strong:
        return 1.0 if asked.narrower.isdisjoint(strong) else SORT_SHARE
    holds = float(asked.concept in weak)
    if not asked.rivals:
        return holds
    stated = asked.rivals & strong
    return holds - float(bool(stated) and stated.isdisjoint(asked.broader))


def _asked(unit: Unit, frequencies: Mapping[str, int], products: int, language: Language) -> _Asked:
    # An alternative counts by its most frequent token: a rare synonym doesn't make a common wish rare.
    frequency = max((frequencies.get(token, 0) for token in unit.tokens), default=0)
    kind = (unit.concept or "").partition(":")[0]
    return _Asked(
        tokens=frozenset(unit.tokens),
        # BM25's inverse document frequency, which stays positive for words that most products have.
        rarity=math.log(1.0 + (products - frequency + 0.5) / (frequency + 0.5))
        * (KIND_SHARE if kind == "kind" else 1.0),
        concept=unit.concept,
        rivals=language.concepts(kind) if kind in EXCLUSIVE_KINDS else frozenset(),
        broader=frozenset(unit.broader),
        narrower=language.narrower(unit.concept) if unit.concept else frozenset(),
        head=head_token(unit.concept) if unit.is_head and unit.concept else None,
    )
