"""A parsed filter against the catalog: each comparison is one walk of an index, the rest is algebra of sets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, and_, select

from core.catalog.dialect import keys_of, storable
from core.catalog.documents import level_name
from core.catalog.schema import ATTRIBUTE, PRODUCT
from core.filters import (
    PATH_SEPARATOR,
    And,
    Between,
    Compare,
    Filter,
    Not,
    Operator,
    Or,
    folded,
    folded_path,
    number,
)
from core.types import Keys

NOTHING: Keys = np.array([], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Passing:
    """Works out which products of one catalog pass a filter, in one state of the database."""

    connection: Connection
    catalog_id: int

    def keys(self, tree: Filter) -> Keys:
        """The keys of the products that pass, ascending."""
        match tree:
            case Or(parts):
                return _distinct(np.sort(np.concatenate([self.keys(part) for part in parts])))
            case And(parts):
                return self._all_of(parts)
            case Not(part):
                # A product without the value passes too: what has no colour is not red.
                return _difference(self._all(), self.keys(part))
            case Between(field, low, high):
                return self._numbers(field, (">=", low), ("<=", high))
            case Compare():
                return self._comparison(tree)

    def _all_of(self, parts: tuple[Filter, ...]) -> Keys:
        """What all parts match; what a NOT excludes is taken off the rest, without walking all products."""
        wanted = [self.keys(part) for part in parts if not isinstance(part, Not)]
        excluded = [self.keys(part.part) for part in parts if isinstance(part, Not)]
        kept = reduce(_intersection, wanted) if wanted else self._all()
        return reduce(_difference, excluded, kept)

    def _comparison(self, compare: Compare) -> Keys:
        value = number(compare.value)
        match (compare.field, compare.operator):
            case ("id", "="):
                return self._products(PRODUCT.c.id == storable(compare.value))
            case ("category", "="):
                return self._in_category(compare.value)
            case (field, "=") if field != "price":
                return self._attributes(field, ATTRIBUTE.c.folded == storable(folded(compare.value)))
        return NOTHING if value is None else self._numbers(compare.field, (compare.operator, value))

    def _in_category(self, value: str) -> Keys:
        """Every level of a product's path is stored, so that being below a category is having its path."""
        path = folded_path(value)
        return self._attributes(level_name(path.count(PATH_SEPARATOR)), ATTRIBUTE.c.folded == storable(path))

    def _numbers(self, field: str, *bounds: tuple[Operator, float]) -> Keys:
        if field == "price":
            return self._products(*(_holds(PRODUCT.c.price, *bound) for bound in bounds))
        return self._attributes(field, and_(*(_holds(ATTRIBUTE.c.number, *bound) for bound in bounds)))

    def _all(self) -> Keys:
        return self._products()

    def _products(self, *conditions: ColumnElement[bool]) -> Keys:
        return self._read(select(PRODUCT.c.key).where(PRODUCT.c.catalog_id == self.catalog_id, *conditions))

    def _attributes(self, name: str, condition: ColumnElement[bool]) -> Keys:
        of_name = (ATTRIBUTE.c.catalog_id == self.catalog_id, ATTRIBUTE.c.name == storable(name))
        return _distinct(self._read(select(ATTRIBUTE.c.product_key).where(*of_name, condition)))

    def _read(self, wanted: Select[tuple[int]]) -> Keys:
        return keys_of(self.connection, wanted)


def _distinct(keys: Keys) -> Keys:
    return keys[np.diff(keys, prepend=-1) > 0]


def _intersection(one: Keys, other: Keys) -> Keys:
    return one[np.isin(one, other, kind="table")]


def _difference(one: Keys, other: Keys) -> Keys:
    # Keys lie close together, so a table of them is smaller than what sorting would move about.
    return one[~np.isin(one, other, kind="table")]


def _holds(column: ColumnElement[float | None], operator: Operator, value: float) -> ColumnElement[bool]:
    match operator:
        case "=":
            return column == value
        case "<":
            return column < value
        case "<=":
            return column <= value
        case ">":
            return column > value
        case ">=":
            return column >= value
