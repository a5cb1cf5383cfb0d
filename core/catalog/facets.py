"""Facets: how the products of one answer spread over categories, prices and attributes."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from core.catalog.dialect import bytewise, one_of_keys, storable
from core.catalog.documents import level_name
from core.catalog.rows import PriceRange
from core.catalog.schema import ATTRIBUTE, PRODUCT
from core.filters import folded
from core.types import Keys

MAX_VALUES = 100
_PRICE_STEPS = 5


def count(connection: Connection, keys: Keys, fields: Sequence[str], limit: int) -> dict[str, dict[str, int]]:
    """For each field, its commonest values and in how many of the products they are; most frequent first."""
    return {field: _counted(connection, keys, field, limit) for field in fields}


def price_range(connection: Connection, keys: Keys) -> PriceRange | None:
    """The lowest and highest price among the products, None where none has a price."""
    prices = select(func.min(PRODUCT.c.price), func.max(PRODUCT.c.price))
    lowest, highest = connection.execute(prices.where(PRODUCT.c.key.in_(one_of_keys(connection, keys)))).one()
    return None if lowest is None else PriceRange(lowest, highest)


def price_edges(lowest: float, highest: float) -> list[float]:
    """Round numbers around two prices: 1, 2, 5, 10, 20 … where they are far apart, else even steps."""
    if lowest > 0 and highest / lowest > 20:
        return _around(_decades(lowest, highest), lowest, highest)
    step = _round_up((highest - lowest) / _PRICE_STEPS or 1.0)
    first = math.floor(lowest / step)
    edges = [round((first + i) * step, 10) for i in range(_PRICE_STEPS + 3)]
    return _around(edges, lowest, highest)


def _counted(connection: Connection, keys: Keys, field: str, limit: int) -> dict[str, int]:
    name = folded(field)
    if name == "price":
        return _price_counts(connection, keys)
    # The names of the levels are neighbours; one range finds them in one walk.
    first, last = (level_name(0), level_name(9)) if name == "category" else (storable(name), storable(name))
    products = func.count().label("products")
    name_in_order = bytewise(connection, ATTRIBUTE.c.name)
    shown = func.min(bytewise(connection, ATTRIBUTE.c.value)).label("shown")
    counted = (
        select(shown, products)
        .where(
            ATTRIBUTE.c.product_key.in_(one_of_keys(connection, keys)),
            name_in_order >= first,
            name_in_order <= last,
        )
        .group_by(ATTRIBUTE.c.name, ATTRIBUTE.c.folded)
        .order_by(products.desc(), shown)
        .limit(limit)
    )
    return {row.shown: row.products for row in connection.execute(counted)}


def _price_counts(connection: Connection, keys: Keys) -> dict[str, int]:
    """Counts by range, each named as the filter language writes it: both ends belong to it."""
    priced = select(PRODUCT.c.price).where(
        PRODUCT.c.key.in_(one_of_keys(connection, keys)), PRODUCT.c.price.is_not(None)
    )
    prices = sorted(connection.execute(priced).scalars())
    if not prices:
        return {}
    edges = price_edges(prices[0], prices[-1])
    counts = {
        f"{low:g} TO {high:g}": bisect.bisect_right(prices, high) - bisect.bisect_left(prices, low)
        for low, high in itertools.pairwise(edges)
    }
    return {label: products for label, products in counts.items() if products}


def _decades(lowest: float, highest: float) -> list[float]:
    first, last = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
    return [round(digit * 10.0**power, 10) for power in range(first, last + 1) for digit in (1, 2, 5)]


def _round_up(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= step)


def _around(edges: Sequence[float], lowest: float, highest: float) -> list[float]:
    """The edges from the last one that is not above the lowest to the first that is not below the highest."""
    start = max(bisect.bisect_right(edges, lowest) - 1, 0)
    end = max(bisect.bisect_left(edges, highest), start + 1)
    return list(edges[start : end + 1])
