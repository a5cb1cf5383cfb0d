"""How much each candidate resembles those that recall holds to be the best: what they share tells what is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.language import ProductTerms
from rerank.lite.sides import Side

Row = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trust:
    """How many of the best are looked at, and how soon their weight falls with their distance from the first."""

    count: int
    scale: float


BY_WORDS = Trust(5, 0.1)
"""In units of recall's fused evidence."""
BY_PICTURE = Trust(3, 0.05)
"""In units of the pictures' similarity."""
_SHARED = ("kind:", "head:", "gender:")
"""Tokens by which two products are the same sort of thing."""


class Best:
    """The best candidates, with their weights."""

    def __init__(self, sides: Sequence[Side], standings: Sequence[float], trust: Trust) -> None:
        sides = sides[: trust.count]
        powers = np.exp((np.array(standings[: trust.count]) - standings[0]) / trust.scale)
        self._weights = powers / powers.sum()
        self._pictures = _matrix(
            [None if side.pictures is None else _unit(side.pictures[0]) for side in sides]
        )
        self._texts = _matrix([None if side.text is None else _unit(side.text) for side in sides])
        self._sorts = [_sorts(side.terms) for side in sides]

    def by_picture(self, side: Side) -> float:
        """Weighted cosine to their main pictures: -1…1."""
        if self._pictures is None or side.pictures is None:
            return 0.0
        return float(self._weights @ (self._pictures @ _unit(side.pictures[0])))

    def by_text(self, side: Side) -> float:
        """Weighted cosine to their texts: -1…1."""
        if self._texts is None or side.text is None:
            return 0.0
        return float(self._weights @ (self._texts @ _unit(side.text)))

    def by_sort(self, side: Side) -> float:
        """Weighted share of the sorts of thing that both are: 0…1."""
        own = _sorts(side.terms)
        shares = [len(own & sorts) / max(len(own | sorts), 1) for sorts in self._sorts]
        return float(self._weights @ np.array(shares))


def _matrix(rows: Sequence[Row | None]) -> Row | None:
    """One row each, zeros where there is none; None where there is none at all."""
    known = next((row for row in rows if row is not None), None)
    return None if known is None else np.stack([np.zeros_like(known) if row is None else row for row in rows])


def _unit(row: Row) -> Row:
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-9), np.float32)


def _sorts(terms: ProductTerms) -> frozenset[str]:
    return frozenset(token for token in terms.strong if token.startswith(_SHARED))
