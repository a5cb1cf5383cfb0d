"""First stage: every channel names candidates, all of them are weighed by the same evidence, and the best come first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.catalog import Catalog
from core.evidence import Asking
from core.filters import And
from core.key_set import KeySet
from core.language import Language, ProductTerms
from core.types import Channel, Keys
from core.vector_index import VectorIndex
from search.fusion import PICTURE, PICTURE_AND_WORDS, WORDS, Moments, Weights, relative_coverage
from search.live import Snapshot
from search.reading import Probe, Reading
from search.window import BITS, Candidates, Floats, Window

DEPTH = 300
"""Candidates that each channel names."""


def recall(
    catalog: Catalog, snapshot: Snapshot, reading: Reading, language: Language, *, depth: int = DEPTH
) -> Window:
    """The candidates of a query in recall's order; ties are broken by key, which is the order of first ingest."""
    named = _named(catalog, snapshot, reading, depth)
    coverage, agreement = _said(catalog, reading, language, named.keys)
    text, text_z = _similarities(snapshot.text, reading.words, named.keys)
    pictured = reading.picture or reading.words
    # Of a picture alone, and without longer features, the channel's cosines are all there is to know.
    known = named.similarity if reading.words is None and pictured and pictured.features is None else None
    picture, picture_z = _similarities(snapshot.picture, pictured, named.keys, known)
    weights = _weights(reading)
    fused = (
        weights.coverage * relative_coverage(coverage)
        + weights.agreement * agreement
        + weights.text * text_z
        + weights.picture * picture_z
    )
    candidates = Candidates(
        named.keys, named.similarity, named.channels, coverage, agreement, text, picture, fused
    )
    return Window(candidates.taken(np.lexsort((named.keys, -fused))), named.exact)


def _allowed(catalog: Catalog, reading: Reading) -> KeySet | None:
    """The products that pass the filters; price bounds said in words give way where they would leave nothing."""
    asked = [each for each in (reading.filter, reading.bounds) if each is not None]
    if not asked:
        return None
    # Asked as one filter, so that the same query finds the same set again, and what an index keeps beside it.
    allowed = catalog.matching(And(tuple(asked)) if len(asked) > 1 else asked[0])
    if reading.bounds is None or len(allowed):
        return allowed
    return None if reading.filter is None else catalog.matching(reading.filter)


@dataclass(frozen=True, slots=True)
class _Named:
    keys: Keys
    """Ascending, each once."""
    similarity: Floats
    channels: NDArray[np.uint8]
    exact: bool


def _named(catalog: Catalog, snapshot: Snapshot, reading: Reading, depth: int) -> _Named:
    """What each channel names; the cosine kept for a product is that of its best vector."""
    allowed = _allowed(catalog, reading)
    named = [
        (channel, *index.nearest(probe.vector, depth, among=allowed))
        for channel, index, probe in _searches(snapshot, reading)
    ]
    tokens = [token for unit in reading.understood.units for token in unit.tokens]
    if tokens:
        lexical = catalog.lexical(tokens, depth, among=allowed)
        keys_of_words = np.array([key for key, _ in lexical], dtype=np.int64)
        named.append((Channel.LEXICAL, keys_of_words, np.zeros(len(lexical), np.float32)))
    every = np.concatenate([keys for _, keys, _ in named]) if named else np.empty(0, np.int64)
    keys, place = np.unique(every, return_inverse=True)
    similarity = np.full(len(keys), -1.0, np.float32)
    np.maximum.at(similarity, place, np.concatenate([cosines for _, _, cosines in named] or [similarity]))
    channels = np.zeros(len(keys), np.uint8)
    bits = [np.full(len(found), BITS[channel], np.uint8) for channel, found, _ in named]
    np.bitwise_or.at(channels, place, np.concatenate(bits or [channels]))
    return _Named(keys, similarity, channels, exact=all(len(found) < depth for _, found, _ in named))


def _searches(snapshot: Snapshot, reading: Reading) -> list[tuple[Channel, VectorIndex, Probe]]:
    searches = []
    if reading.words is not None:
        searches += [(c, snapshot.of(c), reading.words) for c in (Channel.TEXT, Channel.PICTURE)]
    if reading.picture is not None:
        searches.append((Channel.PICTURE, snapshot.picture, reading.picture))
    return searches


def _said(catalog: Catalog, reading: Reading, language: Language, keys: Keys) -> tuple[Floats, Floats]:
    """Coverage and agreement of each product; a query without words asks nothing of its texts."""
    understood = reading.understood
    if not (understood.units or understood.excluded) or not len(keys):
        return np.zeros(len(keys), np.float32), np.zeros(len(keys), np.float32)
    tokens = {token for unit in understood.units for token in unit.tokens}
    frequencies = catalog.document_frequencies(tokens)
    asking = Asking(understood, frequencies, catalog.size(), language)
    terms: Mapping[int, ProductTerms] = catalog.terms(keys, asking.tokens)
    # A product that was removed a moment ago has no words any more: it says nothing.
    silent = ProductTerms(frozenset(), frozenset())
    said = np.array([asking.weigh(terms.get(key, silent)) for key in keys.tolist()], np.float32)
    return said[:, 0], said[:, 1]


def _similarities(
    index: VectorIndex, probe: Probe | None, keys: Keys, known: Floats | None = None
) -> tuple[Floats, Floats]:
    """Similarities of the products, and the same above the catalog's mean in standard deviations.

    A product without a vector has the similarity nan and stands at the mean.
    """
    if probe is None or not len(index):
        return np.full(len(keys), np.nan, np.float32), np.zeros(len(keys), np.float32)
    features = probe.vector if probe.features is None else probe.features
    similarities = index.similarities(features, keys) if known is None else known
    standard = Moments(*index.background(features)).standardised(similarities)
    return similarities, np.nan_to_num(standard, nan=0.0)


def _weights(reading: Reading) -> Weights:
    if reading.picture is None:
        return WORDS
    return PICTURE if reading.words is None else PICTURE_AND_WORDS
