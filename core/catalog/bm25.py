"""BM25 over the lexical index: which products fit the tokens best, with the work bounded."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from core.catalog.dialect import one_of_keys
from core.catalog.lexical import Occurrences, index_of
from core.catalog.schema import PRODUCT
from core.key_set import KeySet
from core.types import Keys

STRONG_WEIGHT, WEAK_WEIGHT = 2.0, 1.0
K1, B = 1.2, 0.75
BUDGET = 400_000
"""Occurrences that one search weighs at most, unless its rarest token alone has more."""
MEASURED = 1_000
"""Products whose length is looked up: the best ones as if all were of middle length."""
CACHED = 8_000_000
"""Occurrences that a catalog keeps in memory: 64 MB."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """What BM25 must know of the whole catalog."""

    revision: int
    products: int
    tokens: int


class LexicalSearch:
    """One catalog's lexical channel; remembers the occurrences of asked tokens for as long as nothing changes."""

    def __init__(self, catalog_id: int) -> None:
        self._catalog_id = catalog_id
        self._lock = threading.Lock()
        self._revision, self._size = -1, 0
        self._remembered: dict[str, Occurrences] = {}

    def best(
        self,
        connection: Connection,
        corpus: Corpus,
        frequencies: Mapping[str, int],
        limit: int,
        among: KeySet | None,
    ) -> list[tuple[int, float]]:
        """Key and BM25 of the best products, best first, equal ones by key."""
        tokens = affordable(frequencies)
        if not tokens or limit < 1:
            return []
        found = [self._occurrences(connection, corpus.revision, token) for token in tokens]
        weights = [rarity(frequencies[token], corpus.products) for token in tokens]
        if among is not None:
            found = [_among(each, among) for each in found]
        return _ranked(connection, corpus, _Sums.of(found, weights), limit)

    def _occurrences(self, connection: Connection, revision: int, token: str) -> Occurrences:
        with self._lock:
            if self._revision != revision:
                self._revision, self._size, self._remembered = revision, 0, {}
            known = self._remembered.get(token)
        if known is None:
            known = index_of(connection, self._catalog_id).occurrences(token)
            self._remember(revision, token, known)
        return known

    def _remember(self, revision: int, token: str, found: Occurrences) -> None:
        size = len(found.strong) + len(found.weak)
        with self._lock:
            if self._revision != revision or token in self._remembered:
                return
            if self._size + size > CACHED:
                self._size, self._remembered = 0, {}
            self._size += size
            self._remembered[token] = found


def affordable(frequencies: Mapping[str, int]) -> list[str]:
    """The rarest tokens whose products together stay within the budget, always at least one.

    The rarest words say most about what is wanted and cost least, so common ones are left out first:
    where `wool` finds 900 products and `black` 800,000, weighing the 800,000 would only add black things.
    """
    chosen: list[str] = []
    spent = 0
    for token, products in sorted(frequencies.items(), key=lambda each: (each[1], each[0])):
        if chosen and spent + products > BUDGET:
            break
        chosen.append(token)
        spent += products
    return chosen


def rarity(products: int, of: int) -> float:
    """The weight of a token that so many products have: BM25's idf in the form that is always above 0."""
    return math.log1p(max(of - products + 0.5, 0.0) / (products + 0.5)) + 1e-9


Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Sums:
    """What the tokens weigh together in each product that has any of them."""

    keys: Keys
    """Ascending; the other two stand in their order."""
    strong: Numbers
    """Of its strong tokens alone."""
    relevance: Numbers
    """BM25 as if every product were of middle length."""

    @classmethod
    def of(cls, found: list[Occurrences], weights: list[float]) -> _Sums:
        strong, weak = [each.strong for each in found], [each.weak for each in found]
        keys, places = _places(np.concatenate((*strong, *weak)))
        of_strong = np.repeat(weights, [len(each) for each in strong])
        of_weak = np.repeat(weights, [len(each) for each in weak])
        gains = np.concatenate((of_strong * _gain(STRONG_WEIGHT), of_weak * _gain(WEAK_WEIGHT)))
        relevance = np.bincount(places, gains, len(keys))
        return cls(
            keys,
            np.bincount(places[: len(of_strong)], of_strong, len(keys)).astype(np.float64),
            relevance.astype(np.float64),
        )

    def best(self, count: int) -> _Sums:
        """The same for the count best products; of equal ones those with the lowest keys."""
        if len(self.keys) <= count:
            return self
        bar = np.partition(self.relevance, len(self.keys) - count)[len(self.keys) - count]
        above = np.flatnonzero(self.relevance > bar)
        level = np.flatnonzero(self.relevance == bar)[: count - len(above)]
        kept = np.sort(np.concatenate((above, level)))
        return _Sums(self.keys[kept], self.strong[kept], self.relevance[kept])

    def exactly(self, norms: Numbers) -> Numbers:
        """BM25 by the products' own lengths, 1 being the middle one."""
        weak = (self.relevance - self.strong * _gain(STRONG_WEIGHT)) / _gain(WEAK_WEIGHT)
        exact: Numbers = self.strong * _gain(STRONG_WEIGHT, norms) + weak * _gain(WEAK_WEIGHT, norms)
        return exact


def _among(found: Occurrences, allowed: KeySet) -> Occurrences:
    """The same for some products only."""
    strong, weak = (keys[allowed.contains(keys)] for keys in (found.strong, found.weak))
    return Occurrences(strong, weak)


def _places(occurrences: Keys) -> tuple[Keys, Keys]:
    """The distinct keys, ascending, and where among them each occurrence stands."""
    # A table of all keys up to the highest: sorting the occurrences would take several times as long.
    present = np.zeros(int(occurrences.max(initial=0)) + 1, dtype=np.bool_)
    present[occurrences] = True
    keys = np.flatnonzero(present)
    place = np.empty(len(present), dtype=np.int64)
    place[keys] = np.arange(len(keys))
    return keys, place[occurrences]


@overload
def _gain(weight: float) -> float: ...
@overload
def _gain(weight: float, norm: Numbers) -> Numbers: ...
def _gain(weight: float, norm: Numbers | float = 1.0) -> Numbers | float:
    """What BM25 makes of one occurrence in a product."""
    return weight * (K1 + 1) / (weight + K1 * norm)


def _ranked(connection: Connection, corpus: Corpus, sums: _Sums, limit: int) -> list[tuple[int, float]]:
    best = sums.best(max(limit, MEASURED))
    lengths = _lengths(connection, best.keys) * (corpus.products / max(corpus.tokens, 1))
    exact = best.exactly(1.0 - B + B * lengths)
    order = np.lexsort((best.keys, -exact))[:limit]
    return list(zip(best.keys[order].tolist(), exact[order].tolist(), strict=True))


def _lengths(connection: Connection, keys: Keys) -> Numbers:
    wanted = select(PRODUCT.c.length).where(PRODUCT.c.key.in_(one_of_keys(connection, keys)))
    return np.array(connection.execute(wanted.order_by(PRODUCT.c.key)).scalars().all(), dtype=np.float64)
