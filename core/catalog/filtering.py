"""A parsed filter as SQL: which products of a catalog pass."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select

from core.catalog.dialect import storable
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


def passing(catalog_id: int, tree: Filter) -> Select[tuple[int]]:
    """The keys of the products that pass, ascending."""
    return (
        select(PRODUCT.c.key)
        .where(PRODUCT.c.catalog_id == catalog_id, _clause(catalog_id, tree))
        .order_by(PRODUCT.c.key)
    )


def _clause(catalog_id: int, tree: Filter) -> ColumnElement[bool]:
    match tree:
        case And(parts):
            return and_(*(_clause(catalog_id, part) for part in parts))
        case Or(parts):
            return or_(*(_clause(catalog_id, part) for part in parts))
        case Not(part):
            # A product without the value passes too: what has no colour is not red.
            return not_(func.coalesce(_clause(catalog_id, part), false()))
        case Between(field, low, high):
            return and_(_compared(catalog_id, field, ">=", low), _compared(catalog_id, field, "<=", high))
        case Compare():
            return _comparison(catalog_id, tree)


def _comparison(catalog_id: int, compare: Compare) -> ColumnElement[bool]:
    value = number(compare.value)
    if compare.operator != "=":
        return false() if value is None else _compared(catalog_id, compare.field, compare.operator, value)
    match compare.field:
        case "price":
            return false() if value is None else PRODUCT.c.price == value
        case "id":
            return PRODUCT.c.id == storable(compare.value)
        case "category":
            return _in_category(catalog_id, compare.value)
        case _:
            return _has(
                catalog_id,
                ATTRIBUTE.c.name == storable(compare.field),
                ATTRIBUTE.c.folded == storable(folded(compare.value)),
            )


def _in_category(catalog_id: int, value: str) -> ColumnElement[bool]:
    """Every level of a product's path is stored, so that being below a category is having its path."""
    path = folded_path(value)
    level = path.count(PATH_SEPARATOR)
    return _has(catalog_id, ATTRIBUTE.c.name == level_name(level), ATTRIBUTE.c.folded == storable(path))


def _compared(catalog_id: int, field: str, operator: Operator, value: float) -> ColumnElement[bool]:
    if field == "price":
        return _holds(PRODUCT.c.price, operator, value)
    return _has(catalog_id, ATTRIBUTE.c.name == storable(field), _holds(ATTRIBUTE.c.number, operator, value))


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


def _has(catalog_id: int, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    having = select(ATTRIBUTE.c.product_key).where(ATTRIBUTE.c.catalog_id == catalog_id, *conditions)
    return PRODUCT.c.key.in_(having)
