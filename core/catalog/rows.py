"""What goes into the catalog and what comes out of it; rows of the database never leave this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from core.language.terms import ProductTerms
from core.types import Product


@dataclass(frozen=True, slots=True)
class VectorRow:
    """What an encoder made of one picture or one text."""

    hash: str
    """Content hash of the picture's bytes or of the text."""
    fingerprint: str
    vector: NDArray[np.float32]
    """Shape (dim,), length 1; stored as float16."""
    features: NDArray[np.int8] | None = None
    """Shape (feature_dim,), or None where the vector is all there is."""
    scale: float = 1.0
    """The features are their codes times this."""


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One product as ingest writes it."""

    product: Product
    terms: ProductTerms
    row_hash: str
    """Of all that the row was made of, so that an unchanged one can be told without reading it."""
    picture_hashes: tuple[str, ...] = ()
    """Content hashes of the pictures that could be read, the main one first."""
    text_hash: str | None = None


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """One product as the catalog holds it."""

    key: int
    product: Product
    strong: frozenset[str]
    weak: frozenset[str]
    picture_hashes: tuple[str, ...]
    text_hash: str | None
    row_hash: str


@dataclass(frozen=True, slots=True)
class CatalogCounts:
    """How much a catalog holds."""

    products: int
    pictures: int
    """Distinct pictures by content."""
    texts: int
    """Distinct texts by content."""


@dataclass(frozen=True, slots=True)
class WriteCounts:
    """What one write did."""

    stored: int
    """Products that were not there before."""
    updated: int


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Lowest and highest price among some products."""

    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Reject:
    """One row or picture of a feed that was refused, and why."""

    code: str
    reason: str
    source: str = ""
    """What was refused: a file, a link, a feed."""
    line: int | None = None
    product_id: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One ingest into a catalog."""

    id: int
    started: datetime
    """UTC."""
    ended: datetime | None
    """UTC; None for a run that goes on or was broken off."""
    counts: Mapping[str, int] = field(default_factory=dict)
