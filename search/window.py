"""All candidates of a query in order, as columns: what hits, totals, facets and pages are counted over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from core.types import Channel, Evidence, Keys

Floats = NDArray[np.float32]
BITS = {channel: 1 << position for position, channel in enumerate(Channel)}
_CHANNELS = [
    tuple(channel for channel, bit in BITS.items() if bits & bit) for bits in range(1 << len(Channel))
]


@dataclass(frozen=True, slots=True)
class Found:
    """One candidate by its key, before its product is read."""

    key: int
    similarity: float
    channels: tuple[Channel, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Candidates:
    """Columns of one length, a row a product."""

    keys: Keys
    similarity: Floats
    """Cosine of the best vector of each; 0 for what only its words have found."""
    channels: NDArray[np.uint8]
    """The channels that found each, a bit a channel."""
    coverage: Floats
    agreement: Floats
    text: Floats
    """Similarity to the product's text; nan where either side has none."""
    picture: Floats
    """Similarity to the nearest picture; nan where either side has none."""
    fused: Floats

    def taken(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Candidates:
        """The rows in a new order, or those that a mask keeps."""
        return Candidates(*(getattr(self, column.name)[rows] for column in fields(self)))


@dataclass(frozen=True, slots=True)
class Window:
    """The candidates, best first."""

    candidates: Candidates
    exact: bool
    """Whether no channel stopped at its depth."""

    def __len__(self) -> int:
        return len(self.candidates.keys)

    @property
    def keys(self) -> Keys:
        """The keys, best first."""
        return self.candidates.keys

    def page(self, offset: int, limit: int) -> list[Found]:
        """Some of the candidates, one by one."""
        part = self.candidates.taken(np.arange(offset, min(offset + limit, len(self)), dtype=np.int64))
        columns = (getattr(part, column.name).tolist() for column in fields(part))
        return [
            Found(key, similarity, _CHANNELS[bits], Evidence(said, agreed, _known(text), _known(seen), fused))
            for key, similarity, bits, said, agreed, text, seen, fused in zip(*columns, strict=True)
        ]

    def without(self, keys: Sequence[int]) -> Window:
        """The window less some products."""
        return replace(self, candidates=self.candidates.taken(~np.isin(self.keys, list(keys))))

    def reordered(self, rows: NDArray[np.int64]) -> Window:
        """The same candidates in another order."""
        return replace(self, candidates=self.candidates.taken(rows))


def _known(similarity: float) -> float | None:
    return None if math.isnan(similarity) else similarity
