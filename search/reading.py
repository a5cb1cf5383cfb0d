"""From a query to what the channels search with: its words understood, its words and picture encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.encoder import Encoded, Encoder
from core.filters import And, Compare, Filter, parse_filter
from core.language import Language, Understanding
from core.types import Query, VectorBatch

NOTHING = Understanding(text="", positive_text="", units=(), excluded=(), gloss=None)


@dataclass(frozen=True, slots=True)
class Probe:
    """One encoded query text or picture."""

    vector: NDArray[np.float32]
    """Shape (dim,), length 1."""
    features: NDArray[np.float32] | None
    """Shape (feature_dim,), or None."""

    @classmethod
    def first(cls, encoded: Encoded) -> Probe:
        """The first row of what an encoder answered."""
        return cls(encoded.vectors[0], None if encoded.features is None else encoded.features[0])

    @classmethod
    def of_products(cls, batches: Sequence[VectorBatch]) -> Probe:
        """The mean of the first stored vector of each product, back at length 1."""
        vectors, features = [], []
        for batch in batches:
            _, first = np.unique(batch.keys, return_index=True)
            vectors.append(batch.vectors[first])
            if batch.features is not None:
                features.append(batch.features[first] * batch.scales[first, None])
        mean = np.concatenate(vectors).mean(axis=0)
        return cls(
            mean / max(float(np.linalg.norm(mean)), 1e-9),
            np.concatenate(features).mean(axis=0) if features else None,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A query, read."""

    understood: Understanding
    words: Probe | None
    picture: Probe | None
    filter: Filter | None
    bounds: Filter | None
    """The price bounds that the words name."""


def understand(query: Query, language: Language) -> Understanding:
    """What the query's words ask for; the words of `exclude` are added to what must not be."""
    understood = language.understand(query.text) if query.text.strip() else NOTHING
    unwanted = tuple(unit for text in query.exclude for unit in language.understand(text).units)
    return replace(understood, excluded=understood.excluded + unwanted) if unwanted else understood


def encode(
    query: Query, understood: Understanding, encoder: Encoder, like: Probe | None
) -> tuple[Probe | None, Probe | None]:
    """Encodes the words and the picture; `like` stands for the picture of a product that the query names."""
    words = None
    # A query that only says what it doesn't want is searched by its own words; the exclusions then do the rest.
    wanted = understood.positive_text.strip() or understood.text.strip()
    if wanted:
        words = Probe.first(encoder.encode_texts([wanted], as_query=True))
    picture = like
    if query.image is not None:
        picture = Probe.first(encoder.encode_images([query.image]))
    return words, picture


def filter_of(query: Query) -> Filter | None:
    """The query's own filter; InvalidFilter."""
    return parse_filter(query.filter) if query.filter.strip() else None


def price_bounds(understood: Understanding) -> Filter | None:
    """The price bounds that the words name, as a filter."""
    bounds: list[Filter] = []
    if understood.price_min is not None:
        bounds.append(Compare("price", ">=", str(understood.price_min)))
    if understood.price_max is not None:
        bounds.append(Compare("price", "<=", str(understood.price_max)))
    if not bounds:
        return None
    return bounds[0] if len(bounds) == 1 else And(tuple(bounds))


def spoken(understood: Understanding) -> tuple[str, ...]:
    """What was understood, in words a page can show."""
    wanted = [unit.concept for unit in understood.units if unit.concept]
    unwanted = [f"not {unit.concept or unit.tokens[0]}" for unit in understood.excluded]
    bounds = [
        f"price {sign} {bound:g}"
        for sign, bound in ((">=", understood.price_min), ("<=", understood.price_max))
        if bound is not None
    ]
    return tuple(wanted + unwanted + bounds)
