"""A parsed filter against the catalog: each comparison is read as a set, the rest is algebra of sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_, sub

import numpy as np
from sqlalchemy import Connection, select

from core.catalog.dialect import keys_of, storable
from core.catalog.documents import level_name
from core.catalog.filterable import EVERY_PRODUCT, PRICE
from core.catalog.kept_numbers import KeptNumbers
from core.catalog.kept_sets import KeptSets
from core.catalog.schema import PRODUCT
from core.catalog.value_sets import products_having
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
from core.key_set import KeySet
from core.types import Keys

NOTHING = KeySet.of(np.array([], dtype=np.int64))
_COMPARED: dict[Operator, np.ufunc] = {
    "=": np.equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a catalog remembers of the filters that it was asked."""

    sets: KeptSets = field(default_factory=KeptSets)
    numbers: KeptNumbers = field(default_factory=KeptNumbers)


@dataclass(frozen=True, slots=True)
class Passing:
    """Works out which products of one catalog pass a filter, in one state of the database."""

    connection: Connection
    catalog_id: int
    revision: int
    kept: Kept

    def keys(self, tree: Filter) -> KeySet:
        """The products that pass; the same object for as long as the catalog doesn't change and it is kept."""
        known = self.kept.sets.get(self.revision, tree)
        if known is not None:
            return known
        return self.kept.sets.kept_or(self.revision, tree, self._worked_out(tree))

    def _worked_out(self, tree: Filter) -> KeySet:
        match tree:
            case Or(parts):
                return reduce(or_, (self.keys(part) for part in parts))
            case And(parts):
                return self._all_of(parts)
            case Not(part):
                # A product without the value passes too: what has no colour is not red.
                return self._having(*EVERY_PRODUCT) - self.keys(part)
            case Between(name, low, high):
                return self._numbers(name, (">=", low), ("<=", high))
            case Compare():
                return self._comparison(tree)

    def _all_of(self, parts: tuple[Filter, ...]) -> KeySet:
        """What all parts match; what a NOT excludes is taken off the rest, which needs no set of all products."""
        wanted = [self.keys(part) for part in parts if not isinstance(part, Not)]
        excluded = [self.keys(part.part) for part in parts if isinstance(part, Not)]
        kept = reduce(and_, wanted) if wanted else self._having(*EVERY_PRODUCT)
        return reduce(sub, excluded, kept)

    def _comparison(self, compare: Compare) -> KeySet:
        value = number(compare.value)
        match (compare.field, compare.operator):
            case ("id", "="):
                return self._of_id(compare.value)
            case ("category", "="):
                # Every level of a product's path is stored, so that being below a category is having its path.
                path = folded_path(compare.value)
                return self._having(level_name(path.count(PATH_SEPARATOR)), path)
            case (name, "=") if name != PRICE:
                return self._having(name, folded(compare.value))
        return NOTHING if value is None else self._numbers(compare.field, (compare.operator, value))

    def _of_id(self, product_id: str) -> KeySet:
        of_id = (PRODUCT.c.catalog_id == self.catalog_id, PRODUCT.c.id == storable(product_id))
        return KeySet.of(keys_of(self.connection, select(PRODUCT.c.key).where(*of_id)))

    def _having(self, name: str, value: str) -> KeySet:
        return products_having(self.connection, self.catalog_id, storable(name), storable(value))

    def _numbers(self, name: str, *bounds: tuple[Operator, float]) -> KeySet:
        numbers = self.kept.numbers.of(self.connection, self.catalog_id, self.revision, storable(name))
        within = reduce(and_, (_COMPARED[operator](numbers.values, bound) for operator, bound in bounds))
        return KeySet.of(_distinct(numbers.keys[within]))


def _distinct(keys: Keys) -> Keys:
    return keys[np.diff(keys, prepend=-1) > 0]
