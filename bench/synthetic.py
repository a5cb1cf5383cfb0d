"""A made-up shop's vectors: clustered like real pictures, yet hard enough that neighbours cross clusters.

Three levels: departments, kinds of goods within them (sizes follow a power law: a few kinds hold thousands
of products, most hold a few dozen), and the single product's own noise, stronger than the kind itself. Every
level is drawn with a decaying spectrum along hidden directions, as the vectors of trained encoders are. A
query is a product seen again under heavy noise, or halfway between two products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.catalog import CatalogRow
from core.encoder import Encoded
from core.language.terms import ProductTerms
from core.types import Pixels, Product, VectorBatch

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

DEPARTMENTS = 200
SPECTRUM_DECAY = 0.5
"""The i-th direction has a spread of (i + 1) ** -decay: half of the length lies in 24 directions of 512."""
DEPARTMENT_SHARE, KIND_SHARE, PRODUCT_SHARE = 0.25, 0.35, 0.40
"""What part of a product's squared length each level gives: two products of a kind have a cosine near 0.6."""
QUERY_NOISE = 0.35
COLOURS = ("black", "white", "red", "green", "blue", "yellow", "pink", "grey", "brown")
SHARES = {"season": 2, "material": 20, "collection": 200, "maker": 2_000}
"""Attributes by how many values they have, all equally frequent: one value keeps 50 %, 5 %, 0.5 % or 0.05 %."""
KINDS = ("shirt", "dress", "shoe", "bag", "lamp", "chair", "mug", "watch", "scarf", "sofa", "kettle")


@dataclass(frozen=True, slots=True)
class SyntheticShop:
    """Products without end, drawn from fixed kinds of goods; the same seed gives the same shop."""

    seed: int
    directions: Floats
    """Shape (dim, dim): the hidden directions as rows, the strongest first, scaled by their spread."""
    kinds: Floats
    """Shape (kinds, dim): where each kind of goods lies, its department included."""
    department_of: Integers
    popularity: NDArray[np.float64]
    """Share of the products that are of each kind."""

    @classmethod
    def open(cls, *, dim: int, kinds: int = 10_000, seed: int = 7) -> SyntheticShop:
        generator = np.random.default_rng(seed)
        directions = _directions(generator, dim)
        departments = _spread(generator, DEPARTMENTS, directions, DEPARTMENT_SHARE)
        department_of = generator.integers(0, DEPARTMENTS, kinds)
        centres = departments[department_of] + _spread(generator, kinds, directions, KIND_SHARE)
        popularity = (np.arange(kinds) + 10.0) ** -0.8
        return cls(seed, directions, centres, department_of, popularity / popularity.sum())

    @property
    def dim(self) -> int:
        return int(self.kinds.shape[1])

    def kind_of(self, count: int) -> Integers:
        """The kind of each of the first `count` products."""
        generator = np.random.default_rng(self.seed + 1)
        return generator.choice(len(self.kinds), size=count, p=self.popularity).astype(np.int64)

    def vectors(self, count: int, *, rows: int = 16_384) -> Iterator[Floats]:
        """The first `count` products' vectors, unit length, a batch of rows at a time."""
        kind_of = self.kind_of(count)
        for number, first in enumerate(range(0, count, rows)):
            generator = np.random.default_rng([self.seed, 2, number])
            kinds = kind_of[first : first + rows]
            yield _unit(self.kinds[kinds] + _spread(generator, len(kinds), self.directions, PRODUCT_SHARE))

    def batches(self, count: int) -> Iterator[VectorBatch]:
        """The same vectors as an index is published from; keys count from 1."""
        first = 1
        for vectors in self.vectors(count):
            keys = np.arange(first, first + len(vectors), dtype=np.int64)
            yield VectorBatch(keys, vectors, None, np.ones(len(vectors), np.float32))
            first += len(vectors)

    def queries(self, products: Floats, count: int) -> Floats:
        """Queries near the given products: even ones are one product under noise, odd ones a blend of two."""
        generator = np.random.default_rng(self.seed + 3)
        first, second = generator.integers(0, len(products), (2, count))
        near = products[first].copy()
        near[1::2] = (near[1::2] + products[second[1::2]]) / np.sqrt(2.0)
        return _unit(near + _spread(generator, count, self.directions, QUERY_NOISE))


def _directions(generator: np.random.Generator, dim: int) -> Floats:
    """A random rotation whose rows shrink along the spectrum; their squared lengths add up to 1."""
    rotation, _ = np.linalg.qr(generator.standard_normal((dim, dim)))
    spectrum = (np.arange(dim) + 1.0) ** -SPECTRUM_DECAY
    spectrum /= np.sqrt(np.square(spectrum).sum())
    directions: Floats = (rotation * spectrum[:, None]).astype(np.float32)
    return directions


def _spread(generator: np.random.Generator, count: int, directions: Floats, share: float) -> Floats:
    """Random rows whose squared length is `share` on average, most of it along the first directions."""
    rows = generator.standard_normal((count, len(directions)), dtype=np.float32)
    return (rows @ directions) * np.float32(np.sqrt(share))


def _unit(rows: Floats) -> Floats:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


@dataclass(frozen=True, slots=True)
class QueryNumbers:
    """An encoder for made-up vectors: a query's picture is the number of the vector that stands for it."""

    vectors: Floats
    """Shape (queries, dim)."""
    feature_dim: int = 0

    @property
    def fingerprint(self) -> str:
        return f"synthetic@{self.dim}"

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    @staticmethod
    def picture(number: int) -> Pixels:
        """The picture of a query's number."""
        return np.array([[[number >> 16 & 255, number >> 8 & 255, number & 255]]], dtype=np.uint8)

    def encode_images(self, images: Sequence[Pixels]) -> Encoded:
        numbers = [int.from_bytes(image.tobytes()[:3], "big") for image in images]
        return Encoded(self.vectors[numbers])

    def encode_texts(self, texts: Sequence[str], *, as_query: bool = False) -> Encoded:
        """Words stand for nothing here: every text is the first query."""
        return Encoded(self.vectors[[0] * len(texts)])


def catalog_rows(count: int, first: int = 0) -> Iterator[CatalogRow]:
    """Products with the words, prices and attributes of a shop, as ingest would write them."""
    for number in range(first, first + count):
        colour, kind = COLOURS[number % len(COLOURS)], KINDS[number * 7 % len(KINDS)]
        title = f"{colour} {kind} no. {number}"
        product = Product(
            id=f"p{number:07d}",
            title=title,
            titles={"zh": f"商品 {number} 号"},
            description=f"A {kind} in {colour}, made for every day and sold with a year of warranty.",
            category=("Shop", "Goods", kind.title()),
            price=5.0 + number % 400,
            currency="USD",
            attributes={"color": (colour,), "brand": (f"Brand {number % 60}",), **_shares(number)},
            pictures=(f"pictures/{number}.jpg",),
        )
        strong = frozenset((colour, kind, str(number), f"color:{colour}", f"kind:{kind}", "商", "品", "商品"))
        terms = ProductTerms(strong, frozenset(("made", "every", "day", "sold", "year", "warranty")))
        yield CatalogRow(product, terms, row_hash=f"{number:032x}", picture_hashes=(f"{number:032x}",))


def _shares(number: int) -> dict[str, tuple[str, ...]]:
    """One value of each attribute of SHARES, none of which says anything about another or about the vectors."""
    generator = np.random.default_rng([number, 4])
    drawn = generator.integers(0, list(SHARES.values())).tolist()
    return {name: (f"{name} {value}",) for name, value in zip(SHARES, drawn, strict=True)}
