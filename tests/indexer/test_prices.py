"""Prices are read as shops write them, and what can't be read is said so."""

from __future__ import annotations

import pytest

from indexer.prices import parse_price
from indexer.rows import RowError


@pytest.mark.parametrize(
    ("written", "amount", "currency"),
    [
        (15, 15.0, None),
        (0, 0.0, None),
        ("15.00 USD", 15.0, "USD"),
        ("usd 15", 15.0, "USD"),
        ("$1,299.00", 1299.0, "USD"),
        ("1.299,00 €", 1299.0, "EUR"),
        ("1.299 €", 1299.0, "EUR"),
        ("12,5", 12.5, None),
        ("1,299", 1299.0, None),
        ("1 299,90 EUR", 1299.9, "EUR"),
        ("CHF 1'299.50", 1299.5, "CHF"),
        ("¥199", 199.0, "CNY"),
        ("￥１９９．００", 199.0, "CNY"),
        ("199元", 199.0, "CNY"),
        ("99-199元", 99.0, "CNY"),
        ("¥99起", 99.0, "CNY"),
        ("from £5.99", 5.99, "GBP"),
        ("HK$88", 88.0, "HKD"),
        ("RMB 88", 88.0, "CNY"),
        ("3500円", 3500.0, "JPY"),
    ],
)
def test_a_price_is_read(written: object, amount: float, currency: str | None) -> None:
    price = parse_price(written)

    assert price is not None
    assert (price.amount, price.currency) == (amount, currency)


@pytest.mark.parametrize("written", [None, "", "  "])
def test_no_price_is_none(written: object) -> None:
    assert parse_price(written) is None


@pytest.mark.parametrize(
    "written",
    [
        "N/A",
        "free?",
        -1,
        "-1",
        "-15.00 USD",
        float("nan"),
        float("inf"),
        True,
        "1.2万",
        "12 34",
        "1,2,3",
        [5],
        ".",
    ],
)
def test_what_is_no_price_is_refused(written: object) -> None:
    with pytest.raises(RowError) as refused:
        parse_price(written)

    assert refused.value.code == "bad_price"
