"""The vocabulary that every package shares: products, queries, candidates, scores, hits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidQuery

Vectors = NDArray[np.float32]
"""float32, shape (n, dim), every row of length 1; normalised by the encoder and nowhere else."""

Pixels = NDArray[np.uint8]
"""One decoded picture: uint8, shape (height, width, 3), sRGB, upright, transparency laid on white."""

Keys = NDArray[np.int64]
"""Product keys: the integers that the catalog, the vector index and the lexical channel share."""

MAX_QUERY_CHARACTERS = 2_000
MAX_LIMIT = 1_000
NO_TEXTS: Mapping[str, str] = MappingProxyType({})
NO_ATTRIBUTES: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Channel(StrEnum):
    """The ways in which recall finds a product."""

    PICTURE = "picture"
    TEXT = "text"
    LEXICAL = "lexical"


class Band(StrEnum):
    """What a relevance means to a shopper: fits, may fit, doesn't fit."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @classmethod
    def of(cls, relevance: float) -> Band:
        """High above 0.7, medium from 0.4 to 0.7, low below 0.4."""
        if relevance > 0.7:
            return cls.HIGH
        return cls.MEDIUM if relevance >= 0.4 else cls.LOW


@dataclass(frozen=True, slots=True)
class VectorBatch:
    """Stored vectors on their way from the catalog to an index: row i belongs to product keys[i]."""

    keys: Keys
    vectors: Vectors
    features: NDArray[np.int8] | None
    """Shape (n, feature_dim), or None where the encoder has no long form."""
    scales: NDArray[np.float32]
    """Shape (n,): a row's features are its codes times its scale."""

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Product:
    """One thing for sale, as its shop describes it."""

    id: str
    title: str = ""
    titles: Mapping[str, str] = field(default_factory=lambda: NO_TEXTS)
    """Titles in further languages, by language code: {"zh": "…"}."""
    description: str = ""
    category: tuple[str, ...] = ()
    """The path from the widest to the narrowest category."""
    price: float | None = None
    currency: str | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NO_ATTRIBUTES)
    """color, brand, size, material, … and every column of the feed that has no field here."""
    pictures: tuple[str, ...] = ()
    """Where the feed says the pictures are, the main one first."""
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What a shopper asks for: words, a picture, products like these, or several of them."""

    text: str = ""
    image: Pixels | None = None
    like: tuple[str, ...] = ()
    """Ids of products of the same catalog whose pictures stand for the query's picture."""
    exclude: tuple[str, ...] = ()
    """Words for what the hits must not be."""
    filter: str = ""
    sort: str = "relevance"
    limit: int = 24
    cursor: str | None = None
    facets: tuple[str, ...] = ()
    instruction: str | None = None

    def __post_init__(self) -> None:
        if not self.text.strip() and self.image is None and not self.like:
            raise InvalidQuery("a query needs words or a picture")
        if len(self.text) > MAX_QUERY_CHARACTERS:
            raise InvalidQuery(
                f"the query has {len(self.text):,} characters; at most {MAX_QUERY_CHARACTERS:,} are read"
            )
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidQuery(f"limit must be from 1 to {MAX_LIMIT:,}, not {self.limit}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why recall placed a product where it did; every number is the query's against this product."""

    coverage: float = 0.0
    """Share of the query's words, weighted by rarity, that the product's texts have: 0…1."""
    agreement: float = 0.0
    """Share of the asked attributes that hold minus the share that is contradicted: -1…1."""
    text_similarity: float | None = None
    """Cosine to the product's text; None when either side has none."""
    picture_similarity: float | None = None
    """Cosine to the nearest of the product's pictures; None when either side has none."""
    fused: float = 0.0
    """The number that recall sorts by; comparable within one answer only."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may fit: recall's output."""

    key: int
    product: Product
    similarity: float
    """Cosine of the best vector of the product in the encoder's space: -1…1."""
    channels: tuple[Channel, ...]
    """The channels that found it."""
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, slots=True)
class Check:
    """One attribute that a query asks for, held against one document."""

    attribute: str
    """The kind of what is asked: color, pattern, gender, kind, …"""
    wanted: str
    """What the query asks for, in words; `not …` for what it refuses."""
    holds: bool | None
    """None where neither the texts nor the pictures tell."""
    confidence: float
    """How sure that is: 0…1."""


@dataclass(frozen=True, slots=True)
class Score:
    """A reranker's judgement, and nothing else."""

    relevance: float
    """0 (doesn't fit) … 1 (fits)."""
    checks: tuple[Check, ...] = ()
    """What the judgement rests on, where the reranker can tell."""
    basis: tuple[str, ...] = ()
    """Which evidence there was: attributes, words, text, picture; empty for a judge that reads both sides whole."""
    cut: bool = False
    """Whether the document was longer than what the judge reads."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.relevance <= 1.0:
            raise ValueError(f"relevance must be from 0 to 1, not {self.relevance}")

    @property
    def band(self) -> Band:
        return Band.of(self.relevance)


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of an answer."""

    candidate: Candidate
    rank: int
    """1 is the first."""
    recall_rank: int
    score: Score | None = None
