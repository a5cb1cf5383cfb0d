"""Sides and models are found however they are written."""

from __future__ import annotations

import pytest

from core.language import Language
from core.language.dimensions import spell_sides
from core.types import Product


@pytest.fixture(scope="module")
def language() -> Language:
    return Language.load()


@pytest.mark.parametrize(
    ("written", "sides"),
    [
        ("rug, 160x230 cm", "rug, 160cm 230cm"),
        ("bookcase 80 × 28 × 202 cm", "bookcase 80cm 28cm 202cm"),
        ("rug 200x300", "rug 200cm 300cm"),
        ("地毯2米x3米", "地毯 200cm 300cm"),
        ("600x400mm", "60cm 40cm"),
        ("双人床1.8x2米", "双人床 180cm 200cm 1.8米"),
    ],
)
def test_sides_are_spelled_one_by_one(written: str, sides: str) -> None:
    assert " ".join(spell_sides(written).split()) == sides


@pytest.mark.parametrize("text", ["24 x 85 g", "1920x1080 monitor", "16x9 screen", "250ml*24盒", "4x4 tyre"])
def test_what_measures_no_sides_stays_as_it_is(text: str) -> None:
    assert spell_sides(text) == text


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("地毯2米x3米", "Shaggy rug, 200x300 cm"),
        ("wardrobe 200 cm", "Wardrobe with sliding doors, 200x66x236 cm"),
        ("mate60pro", "华为 Mate 60 Pro 手机"),
        ("mate 60 pro", "适用华为Mate60Pro手机壳"),
        ("iphone15", "Apple iPhone 15 Pro Max"),
    ],
)
def test_a_query_meets_every_spelling(language: Language, query: str, title: str) -> None:
    terms = language.product_terms(Product(id="1", title=title), ("title",))

    assert all(terms.strong & set(unit.tokens) for unit in language.understand(query).units)
