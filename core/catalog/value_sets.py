"""Which products have a value, kept as sets beside the values themselves: what filters are made of.

An index over the values gives one key after the other, so that reading which half of a shop is black would take
longer than the search which that narrows down. Here it is a few blobs, however large the shop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select

from core.catalog import chunks
from core.catalog.chunks import NumberChunk, Numbers, key_set, packed_keys, unpacked_keys
from core.catalog.dialect import insert, one_of_keys, one_of_texts
from core.catalog.documents import values_of
from core.catalog.schema import ATTRIBUTE, CATALOG, NUMBER_SET, PRODUCT, VALUE_SET
from core.key_set import KeySet
from core.types import Keys, Product

EVERY_PRODUCT = ("", "")
"""A name and a value that every product has; no value of its own is empty."""
PRICE = "price"
"""The column of prices; numbers that products have as an attribute of this name are not compared."""


@dataclass(frozen=True, slots=True)
class Having:
    """A product has a value, a number, or a value that is a number."""

    key: int
    name: str
    folded: str | None
    number: float | None = None


def having_of(key: int, product: Product) -> Iterator[Having]:
    """What a product has to be found by."""
    yield Having(key, *EVERY_PRODUCT)
    if product.price is not None:
        yield Having(key, PRICE, None, product.price)
    for value in values_of(product):
        yield Having(key, value.name, value.folded, None if value.name == PRICE else value.number)


def having_stored(connection: Connection, keys: Collection[int]) -> Iterator[Having]:
    """The same of products that are in the catalog."""
    values = select(ATTRIBUTE.c.product_key, ATTRIBUTE.c.name, ATTRIBUTE.c.folded, ATTRIBUTE.c.number)
    for row in connection.execute(values.where(ATTRIBUTE.c.product_key.in_(one_of_keys(connection, keys)))):
        yield Having(row.product_key, row.name, row.folded, None if row.name == PRICE else row.number)
    prices = select(PRODUCT.c.key, PRODUCT.c.price).where(PRODUCT.c.key.in_(one_of_keys(connection, keys)))
    for key, price in connection.execute(prices):
        yield Having(key, *EVERY_PRODUCT)
        yield Having(key, PRICE, None, price)


def products_having(connection: Connection, catalog_id: int, name: str, folded: str) -> KeySet:
    """The products that have the value."""
    sets = VALUE_SET.c
    wanted = select(sets.chunk, sets.members).where(
        sets.catalog_id == catalog_id, sets.name == name, sets.folded == folded
    )
    return key_set([(row.chunk, row.members) for row in connection.execute(wanted.order_by(sets.chunk))])


def numbers_of(connection: Connection, catalog_id: int, name: str, *, since: int = -1) -> list[NumberChunk]:
    """The numbers that products have under a name, in key order: the chunks that changed after a revision."""
    sets = NUMBER_SET.c
    wanted = select(sets.chunk, sets.members, sets.numbers).where(
        sets.catalog_id == catalog_id, sets.name == name, sets.revision > since
    )
    found = connection.execute(wanted.order_by(sets.chunk))
    return [(row.chunk, row.members, row.numbers) for row in found]


def add(connection: Connection, catalog_id: int, having: Iterable[Having]) -> None:
    """Notes the values of products that have none noted."""
    _change(connection, catalog_id, having, np.union1d, Numbers.joined)


def take_out(connection: Connection, catalog_id: int, having: Iterable[Having]) -> None:
    """Forgets all values of products."""
    _change(connection, catalog_id, having, np.setdiff1d, Numbers.without)


def _change(
    connection: Connection,
    catalog_id: int,
    having: Iterable[Having],
    change_keys: Callable[[Keys, Keys], Keys],
    change_numbers: Callable[[Numbers, Numbers], Numbers],
) -> None:
    values: dict[_Chunk, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    numbers: dict[_Chunk, list[tuple[int, float]]] = defaultdict(list)
    for each in having:
        if each.folded is not None:
            chunk, place = divmod(each.key, chunks.KEYS_A_CHUNK)
            values[_Chunk(catalog_id, each.name, chunk)][each.folded].append(place)
        if each.number is not None:
            chunk, place = divmod(each.key, chunks.NUMBERS_A_CHUNK)
            numbers[_Chunk(catalog_id, each.name, chunk)].append((place, each.number))
    for of_values, places in values.items():
        _change_sets(connection, of_values, places, change_keys)
    for of_numbers, pairs in numbers.items():
        _change_numbers(connection, of_numbers, pairs, change_numbers)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What lies under a name for one stretch of keys."""

    catalog_id: int
    name: str
    chunk: int

    def of(self, table: Table) -> ColumnElement[bool]:
        columns = table.c
        return and_(
            columns.catalog_id == self.catalog_id, columns.name == self.name, columns.chunk == self.chunk
        )

    def columns(self, **further: object) -> dict[str, object]:
        return {"catalog_id": self.catalog_id, "name": self.name, "chunk": self.chunk, **further}


def _change_sets(
    connection: Connection,
    chunk: _Chunk,
    places: Mapping[str, list[int]],
    change: Callable[[Keys, Keys], Keys],
) -> None:
    stored = select(VALUE_SET.c.folded, VALUE_SET.c.members).where(
        chunk.of(VALUE_SET), VALUE_SET.c.folded.in_(one_of_texts(connection, places))
    )
    before = {row.folded: row.members for row in connection.execute(stored)}
    after = {
        folded: change(unpacked_keys(before.get(folded, b"")), np.array(changed, np.int64))
        for folded, changed in places.items()
    }
    left = {folded: packed_keys(keys) for folded, keys in after.items() if len(keys)}
    gone = [folded for folded in after if folded not in left]
    _store(
        connection, VALUE_SET, [chunk.columns(folded=folded, members=keys) for folded, keys in left.items()]
    )
    if gone:
        of_gone = VALUE_SET.c.folded.in_(one_of_texts(connection, gone))
        connection.execute(delete(VALUE_SET).where(chunk.of(VALUE_SET), of_gone))


def _change_numbers(
    connection: Connection,
    chunk: _Chunk,
    pairs: list[tuple[int, float]],
    change: Callable[[Numbers, Numbers], Numbers],
) -> None:
    stored = select(NUMBER_SET.c.members, NUMBER_SET.c.numbers).where(chunk.of(NUMBER_SET))
    before = [(0, row.members, row.numbers) for row in connection.execute(stored)]
    places, values = zip(*sorted(pairs), strict=True)
    changed = Numbers(np.array(places, np.int64), np.array(values, np.float64))
    members, numbers = change(Numbers.of_chunks(before), changed).packed()
    catalog = select(CATALOG.c.revision).where(CATALOG.c.id == chunk.catalog_id)
    revision = connection.execute(catalog).scalar_one()
    _store(connection, NUMBER_SET, [chunk.columns(revision=revision, members=members, numbers=numbers)])


def _store(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    """Puts the rows in place of those of the same name."""
    if rows:
        arriving = insert(connection, table)
        blobs = {column.name: arriving.excluded[column.name] for column in table.c if not column.primary_key}
        named = [column.name for column in table.primary_key]
        connection.execute(arriving.on_conflict_do_update(index_elements=named, set_=blobs), rows)
