"""Price bounds in what shoppers type."""

from __future__ import annotations

import pytest

from core.language.prices import PriceBounds, split_price


@pytest.mark.parametrize(
    ("words", "bounds"),
    [
        ("dress under $50", PriceBounds("dress", None, 50)),
        ("shoes cheaper than 20 dollars", PriceBounds("shoes", None, 20)),
        ("连衣裙100元以下", PriceBounds("连衣裙", None, 100)),
        ("不超过100元连衣裙", PriceBounds("连衣裙", None, 100)),
        ("200-300元的裙子", PriceBounds("裙子", 200, 300)),
        ("100到200块帽子", PriceBounds("帽子", 100, 200)),
        ("watch over $1,200", PriceBounds("watch", 1200, None)),
        ("包 不低于200元", PriceBounds("包", 200, None)),
        ("$20-$50 mug", PriceBounds("mug", 20, 50)),
        ("no more than €30", PriceBounds("", None, 30)),
        ("三百五十元以下", PriceBounds("", None, 350)),
        ("手表1.5万以内", PriceBounds("手表", None, 15_000)),
        ("100元左右", PriceBounds("", 80, 120)),
        ("dress under 50 for women", PriceBounds("dress, for women", None, 50)),
    ],
)
def test_a_bound_is_read_and_taken_out(words: str, bounds: PriceBounds) -> None:
    assert split_price(words) == bounds


@pytest.mark.parametrize(
    "words",
    ["size 38 to 40 shoes", "160cm以下", "3岁以下玩具", "shelf under 50 cm", "under 18 years", "more than 3 pockets",
     "iphone 15", "over the knee boots", "第一百货", "100% cotton", "7-in-1 hub"],
)  # fmt: skip
def test_other_numbers_are_no_prices(words: str) -> None:
    assert split_price(words) == PriceBounds(words)
