"""BM25 over the lexical index: which products fit the tokens best, with the work bounded."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from core.catalog import lexical
from core.catalog.dialect import one_of_keys
from core.catalog.lexical import Occurrences
from core.catalog.schema import PRODUCT
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
        among: Keys | None,
    ) -> list[tuple[int, float]]:
        """Key and BM25 of the best products, best first, equal ones by key."""
        tokens = affordable(frequencies)
        if not tokens or limit < 1:
            return []
        found = [self._occurrences(connection, corpus.revision, token) for token in tokens]
        weights = [rarity(frequencies[token], corpus.products) for token in tokens]
        strong = _summed([each.strong for each in found], weights)
        weak = _summed([each.weak for each in found], weights)
        return _ranked(connection, corpus, *_padded(strong, weak), limit, among)

    def _occurrences(self, connection: Connection, revision: int, token: str) -> Occurrences:
        with self._lock:
            if self._revision != revision:
                self._revision, self._size, self._remembered = revision, 0, {}
            known = self._remembered.get(token)
        if known is None:
            known = lexical.occurrences(connection, self._catalog_id, token)
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


Sums = NDArray[np.float64]
"""A number for each key, at the key's place."""


def _summed(occurrences: list[Keys], weights: list[float]) -> Sums:
    keys = np.concatenate(occurrences)
    return np.bincount(keys, np.repeat(weights, [len(each) for each in occurrences])).astype(np.float64)


def _padded(one: Sums, other: Sums) -> tuple[Sums, Sums]:
    length = max(len(one), len(other))
    return np.pad(one, (0, length - len(one))), np.pad(other, (0, length - len(other)))


def _ranked(
    connection: Connection, corpus: Corpus, strong: Sums, weak: Sums, limit: int, among: Keys | None
) -> list[tuple[int, float]]:
    relevance = _relevance(strong, weak, 1.0)
    candidates = np.flatnonzero(relevance) if among is None else _inside(among, relevance)
    keys = _top(candidates, relevance[candidates], max(limit, MEASURED))
    lengths = _lengths(connection, keys) * (corpus.products / max(corpus.tokens, 1))
    exact = _relevance(strong[keys], weak[keys], 1.0 - B + B * lengths)
    best = np.lexsort((keys, -exact))[:limit]
    return list(zip(keys[best].tolist(), exact[best].tolist(), strict=True))


def _relevance(strong: Sums, weak: Sums, norm: Sums | float) -> Sums:
    """BM25 where a token is in a product once or not at all; `norm` is the product's length against the mean."""
    relevance: Sums = strong * (STRONG_WEIGHT * (K1 + 1) / (STRONG_WEIGHT + K1 * norm))
    return relevance + weak * (WEAK_WEIGHT * (K1 + 1) / (WEAK_WEIGHT + K1 * norm))


def _inside(among: Keys, relevance: Sums) -> Keys:
    inside = among[among < len(relevance)]
    return inside[relevance[inside] > 0]


def _top(keys: Keys, relevance: Sums, count: int) -> Keys:
    """The count best keys, ascending; of equal ones the lowest keys."""
    if len(keys) <= count:
        return np.sort(keys)
    bar = np.partition(relevance, len(keys) - count)[len(keys) - count]
    above = keys[relevance > bar]
    level = np.sort(keys[relevance == bar])[: count - len(above)]
    return np.sort(np.concatenate((above, level)))


def _lengths(connection: Connection, keys: Keys) -> Sums:
    wanted = select(PRODUCT.c.length).where(PRODUCT.c.key.in_(one_of_keys(connection, keys)))
    return np.array(connection.execute(wanted.order_by(PRODUCT.c.key)).scalars().all(), dtype=np.float64)
