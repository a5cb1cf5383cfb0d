"""Which products have a value, kept as sets beside the values themselves: what filters are made of.

An index over the values gives one key after the other, so that reading which half of a shop is black would take
longer than the search which that narrows down. Here it is a few blobs, however large the shop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from sqlalchemy import ColumnElement, Connection, Table, delete, select

from core.catalog import chunks
from core.catalog.chunks import NumberChunk, Numbers, key_set, packed_keys, unpacked_keys
from core.catalog.dialect import insert, one_of_keys, one_of_texts
from core.catalog.filterable import Filterable
from core.catalog.schema import CATALOG, NUMBER_SET, VALUE_SET
from core.key_set import KeySet
from core.types import Keys

_Row = dict[str, object]


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


def change(connection: Connection, catalog_id: int, before: Filterable, after: Filterable) -> None:
    """Products had what is `before` and have what is `after`; only where these differ anything is written."""
    _change_sets(connection, catalog_id, before, after)
    _change_numbers(connection, catalog_id, before, after)


def _change_sets(connection: Connection, catalog_id: int, before: Filterable, after: Filterable) -> None:
    gone = _by_chunk(before.values - after.values)
    come = _by_chunk(after.values - before.values)
    rows: list[_Row] = []
    for name, chunk in sorted({*gone, *come}):
        less, more = gone.get((name, chunk), {}), come.get((name, chunk), {})
        here = _at(VALUE_SET, catalog_id, name) & (VALUE_SET.c.chunk == chunk)
        stored = _stored(connection, here, {*less, *more})
        left = {
            folded: _changed(stored.get(folded, b""), less.get(folded, []), more.get(folded, []))
            for folded in {*less, *more}
        }
        emptied = [folded for folded, keys in left.items() if not len(keys)]
        if emptied:
            is_emptied = VALUE_SET.c.folded.in_(one_of_texts(connection, emptied))
            connection.execute(delete(VALUE_SET).where(here, is_emptied))
        row = {"catalog_id": catalog_id, "name": name, "chunk": chunk}
        rows += [
            {**row, "folded": folded, "members": packed_keys(keys)}
            for folded, keys in left.items()
            if len(keys)
        ]
    _store(connection, VALUE_SET, rows)


def _by_chunk(values: Iterable[tuple[str, str, int]]) -> Mapping[tuple[str, int], Mapping[str, list[int]]]:
    """Places in their chunk, by name and chunk, and then by value."""
    places: dict[tuple[str, int], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for name, folded, key in values:
        chunk, place = divmod(key, chunks.KEYS_A_CHUNK)
        places[name, chunk][folded].append(place)
    return places


def _stored(connection: Connection, here: ColumnElement[bool], values: set[str]) -> dict[str, bytes]:
    of_values = VALUE_SET.c.folded.in_(one_of_texts(connection, sorted(values)))
    found = connection.execute(select(VALUE_SET.c.folded, VALUE_SET.c.members).where(here, of_values))
    return {row.folded: row.members for row in found}


def _changed(stored: bytes, less: list[int], more: list[int]) -> Keys:
    keys = unpacked_keys(stored)
    if less:
        keys = np.setdiff1d(keys, np.array(less, np.int64))
    return np.union1d(keys, np.array(more, np.int64)) if more else keys


def _change_numbers(connection: Connection, catalog_id: int, before: Filterable, after: Filterable) -> None:
    changed: dict[str, list[int]] = defaultdict(list)
    for name, key in sorted({*before.numbers, *after.numbers}):
        if before.numbers.get((name, key)) != after.numbers.get((name, key)):
            changed[name].append(key)
    catalog = select(CATALOG.c.revision).where(CATALOG.c.id == catalog_id)
    revision = connection.execute(catalog).scalar_one()
    for name, keys in changed.items():
        pairs = [(key, number) for key in keys for number in after.numbers.get((name, key), ())]
        now = Numbers(
            np.array([key for key, _ in pairs], np.int64),
            np.array([number for _, number in pairs], np.float64),
        )
        row = {"catalog_id": catalog_id, "name": name, "revision": revision}
        rows = [
            {**row, "chunk": chunk, "members": members, "numbers": numbers}
            for chunk, members, numbers in _changed_numbers(connection, catalog_id, name, keys, now)
        ]
        _store(connection, NUMBER_SET, rows)


def _changed_numbers(
    connection: Connection, catalog_id: int, name: str, keys: list[int], now: Numbers
) -> list[NumberChunk]:
    """The chunks that the products lie in, with the numbers that they have now."""
    sets = NUMBER_SET.c
    touched = sorted({key // chunks.NUMBERS_A_CHUNK for key in keys})
    wanted = select(sets.chunk, sets.members, sets.numbers).where(
        _at(NUMBER_SET, catalog_id, name), sets.chunk.in_(one_of_keys(connection, touched))
    )
    found = connection.execute(wanted.order_by(sets.chunk))
    stored = Numbers.of_chunks([(row.chunk, row.members, row.numbers) for row in found])
    return stored.without(np.array(keys, np.int64)).joined(now).packed(touched)


def _at(table: Table, catalog_id: int, name: str) -> ColumnElement[bool]:
    return (table.c.catalog_id == catalog_id) & (table.c.name == name)


def _store(connection: Connection, table: Table, rows: list[_Row]) -> None:
    """Puts the rows in place of those of the same name."""
    if rows:
        arriving = insert(connection, table)
        blobs = {column.name: arriving.excluded[column.name] for column in table.c if not column.primary_key}
        named = [column.name for column in table.primary_key]
        connection.execute(arriving.on_conflict_do_update(index_elements=named, set_=blobs), rows)
