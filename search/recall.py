"""First stage: every channel names candidates, all of them are weighed by the same evidence, and the best come first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.catalog import Catalog
from core.language import Language, ProductTerms
from core.types import Channel, Evidence, Keys
from core.vector_index import VectorIndex
from search.evidence import Asking, Weighed
from search.fusion import PICTURE, PICTURE_AND_WORDS, WORDS, Moments, Weights
from search.live import Snapshot
from search.reading import Probe, Reading

DEPTH = 300
"""Candidates that each channel names."""


@dataclass(frozen=True, slots=True)
class Found:
    """One candidate by its key, before its product is read."""

    key: int
    similarity: float
    channels: tuple[Channel, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Window:
    """All candidates of a query, best first: what hits, totals, facets and pages are counted over."""

    found: tuple[Found, ...]
    exact: bool
    """Whether no channel stopped at its depth."""


def recall(
    catalog: Catalog, snapshot: Snapshot, reading: Reading, language: Language, *, depth: int = DEPTH
) -> Window:
    """The candidates of a query in recall's order; ties are broken by product id."""
    allowed = _allowed(catalog, reading)
    asked = _asked(catalog, reading, language)
    named = _named(catalog, snapshot, reading, depth, allowed)
    keys = np.array(sorted(named.channels), dtype=np.int64)
    if not len(keys):
        return Window((), exact=True)
    found = _weighed(_Scales.of(snapshot, reading, keys), asked, named, catalog.terms(keys))
    return Window(tuple(found), named.exact)


def _allowed(catalog: Catalog, reading: Reading) -> Keys | None:
    """The keys that pass the filters; price bounds said in words give way where they would leave nothing."""
    allowed = None if reading.filter is None else catalog.matching(reading.filter)
    if reading.bounds is None:
        return allowed
    priced = catalog.matching(reading.bounds)
    both = priced if allowed is None else np.intersect1d(allowed, priced, assume_unique=True)
    return both if len(both) else allowed


def _asked(catalog: Catalog, reading: Reading, language: Language) -> Asking:
    tokens = {token for unit in reading.understood.units for token in unit.tokens}
    frequencies = catalog.document_frequencies(tokens)
    return Asking(reading.understood, frequencies, catalog.size(), language.concepts)


@dataclass(frozen=True, slots=True)
class _Named:
    channels: Mapping[int, tuple[Channel, ...]]
    similarities: Mapping[int, float]
    exact: bool


def _named(
    catalog: Catalog, snapshot: Snapshot, reading: Reading, depth: int, allowed: Keys | None
) -> _Named:
    """What each channel names; the cosine kept for a product is that of its best vector."""
    channels: dict[int, tuple[Channel, ...]] = {}
    similarities: dict[int, float] = {}
    exact = True
    for channel, index, probe in _searches(snapshot, reading):
        keys, cosines = index.nearest(probe.vector, depth, among=allowed)
        exact &= len(keys) < depth
        for key, cosine in zip(keys.tolist(), cosines.tolist(), strict=True):
            if channel not in channels.get(key, ()):
                channels[key] = (*channels.get(key, ()), channel)
            similarities[key] = max(similarities.get(key, -1.0), cosine)
    tokens = [token for unit in reading.understood.units for token in unit.tokens]
    if tokens:
        lexical = catalog.lexical(tokens, depth, among=allowed)
        exact &= len(lexical) < depth
        for key, _ in lexical:
            channels[key] = (*channels.get(key, ()), Channel.LEXICAL)
    return _Named(channels, similarities, exact)


def _searches(snapshot: Snapshot, reading: Reading) -> list[tuple[Channel, VectorIndex, Probe]]:
    searches = []
    if reading.words is not None:
        searches += [(c, snapshot.of(c), reading.words) for c in (Channel.TEXT, Channel.PICTURE)]
    if reading.picture is not None:
        searches.append((Channel.PICTURE, snapshot.picture, reading.picture))
    return searches


@dataclass(frozen=True, slots=True)
class _Scales:
    """Similarities of all candidates to the query, with the moments that make them comparable."""

    weights: Weights
    text: dict[int, float]
    text_moments: Moments | None
    picture: dict[int, float]
    picture_moments: Moments | None

    @classmethod
    def of(cls, snapshot: Snapshot, reading: Reading, keys: Keys) -> _Scales:
        pictured = reading.picture or reading.words
        text, text_moments = _similarities(snapshot.text, reading.words, keys)
        picture, picture_moments = _similarities(snapshot.picture, pictured, keys)
        return cls(_weights(reading), text, text_moments, picture, picture_moments)

    def fused(self, said: Weighed, text: float | None, picture: float | None) -> float:
        """The weighted sum that recall sorts by."""
        return (
            self.weights.coverage * said.coverage
            + self.weights.agreement * said.agreement
            + self.weights.text * _standard(text, self.text_moments)
            + self.weights.picture * _standard(picture, self.picture_moments)
        )


def _standard(similarity: float | None, moments: Moments | None) -> float:
    """How far above the catalog's mean; a similarity that is missing counts as the mean itself."""
    return 0.0 if similarity is None or moments is None else moments.standardise(similarity)


def _weights(reading: Reading) -> Weights:
    if reading.picture is None:
        return WORDS
    return PICTURE if reading.words is None else PICTURE_AND_WORDS


def _similarities(
    index: VectorIndex, probe: Probe | None, keys: Keys
) -> tuple[dict[int, float], Moments | None]:
    if probe is None or not len(index):
        return {}, None
    features = probe.vector if probe.features is None else probe.features
    values = index.similarities(features, keys)
    known = ~np.isnan(values)
    return dict(zip(keys[known].tolist(), values[known].tolist(), strict=True)), Moments(
        *index.background(features)
    )


def _weighed(scales: _Scales, asked: Asking, named: _Named, terms: Mapping[int, ProductTerms]) -> list[Found]:
    found = []
    for key, of_product in terms.items():
        said = asked.weigh(of_product)
        text, picture = scales.text.get(key), scales.picture.get(key)
        evidence = Evidence(*said, text, picture, scales.fused(said, text, picture))
        similarity = named.similarities.get(key, 0.0)
        found.append(Found(key, similarity, named.channels[key], evidence))
    # Keys grow in the order of first ingest, which is the catalog's order of ids where a feed is sorted.
    return sorted(found, key=lambda each: (-each.evidence.fused, each.key))
