"""What filters can find products by: the values that they have, and the numbers among these."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from core.catalog.dialect import one_of_keys
from core.catalog.documents import values_of
from core.catalog.schema import ATTRIBUTE, PRODUCT
from core.types import Product

EVERY_PRODUCT = ("", "")
"""A name and a value that every product has; no value of its own is empty."""
PRICE = "price"
"""The name of the price; an attribute of that name is not compared as a number."""


@dataclass(frozen=True, slots=True)
class Filterable:
    """What some products have."""

    values: set[tuple[str, str, int]] = field(default_factory=set)
    """Name, folded value and key of the product."""
    numbers: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    """By name and key; ascending."""

    @classmethod
    def of(cls, products: Iterable[tuple[int, Product]]) -> Filterable:
        """What products by their keys have."""
        having = cls()
        for key, product in products:
            having._add_price(key, product.price)
            for value in values_of(product):
                having._add(key, value.name, value.folded, value.number)
        return having

    @classmethod
    def stored(cls, connection: Connection, keys: Collection[int]) -> Filterable:
        """What products of the catalog have."""
        having = cls()
        prices = select(PRODUCT.c.key, PRODUCT.c.price)
        for key, price in connection.execute(prices.where(PRODUCT.c.key.in_(one_of_keys(connection, keys)))):
            having._add_price(key, price)
        columns = (ATTRIBUTE.c.product_key, ATTRIBUTE.c.name, ATTRIBUTE.c.folded, ATTRIBUTE.c.number)
        values = select(*columns).where(ATTRIBUTE.c.product_key.in_(one_of_keys(connection, keys)))
        for key, name, folded, number in connection.execute(values):
            having._add(key, name, folded, number)
        return having

    def _add_price(self, key: int, price: float | None) -> None:
        self.values.add((*EVERY_PRODUCT, key))
        if price is not None:
            self.numbers[PRICE, key] = [price]

    def _add(self, key: int, name: str, folded: str, number: float | None) -> None:
        self.values.add((name, folded, key))
        if number is not None and name != PRICE:
            numbers = self.numbers.setdefault((name, key), [])
            numbers.append(number)
            numbers.sort()


NOTHING = Filterable()
