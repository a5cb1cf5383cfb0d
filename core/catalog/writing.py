"""One write: products, their pictures, words, values and vectors, all in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from core.catalog import lexical, value_sets
from core.catalog.dialect import insert_many, one_of_keys, one_of_texts, storable
from core.catalog.documents import to_body, values_of
from core.catalog.filterable import NOTHING, Filterable
from core.catalog.lexical import Posting
from core.catalog.rows import CatalogRow, WriteCounts
from core.catalog.schema import (
    ATTRIBUTE,
    CATALOG,
    DOCUMENT,
    PICTURE,
    PRODUCT,
    TOMBSTONE,
)
from core.catalog.tallies import add_products, add_tokens, next_revision

MAX_TOMBSTONES = 100_000
"""Removals a catalog remembers one by one; about 4 MB."""
FORGOTTEN_AT_ONCE = 5_000
"""Products whose words are in memory at once while they are removed."""


def write_rows(
    connection: Connection, catalog_id: int, rows: Sequence[CatalogRow], run: int | None
) -> WriteCounts:
    """Adds and replaces products; where an id comes twice, the last one counts."""
    by_id = {storable(row.product.id): row for row in rows}
    revision = next_revision(connection, catalog_id)
    known = keys_of(connection, catalog_id, by_id)
    before = Filterable.stored(connection, known.values())
    _forget_details(connection, catalog_id, known.values())
    new = {product_id: row for product_id, row in by_id.items() if product_id not in known}
    changed = {product_id: by_id[product_id] for product_id in known}
    stamp = _Stamp(catalog_id, revision, run)
    _update_products(connection, stamp, changed, known)
    _insert_products(connection, stamp, new)
    keys = {**known, **keys_of(connection, catalog_id, new)}
    _add_details(connection, catalog_id, by_id, keys)
    after = Filterable.of((keys[product_id], row.product) for product_id, row in by_id.items())
    value_sets.change(connection, catalog_id, before, after)
    add_products(connection, catalog_id, len(new))
    return WriteCounts(stored=len(new), updated=len(known))


def remove_products(connection: Connection, catalog_id: int, keys: Sequence[int]) -> None:
    """Removes products and remembers that they are gone."""
    if not keys:
        return
    revision = next_revision(connection, catalog_id)
    add_products(connection, catalog_id, -len(keys))
    for start in range(0, len(keys), FORGOTTEN_AT_ONCE):
        some = keys[start : start + FORGOTTEN_AT_ONCE]
        value_sets.change(connection, catalog_id, Filterable.stored(connection, some), NOTHING)
        _forget_details(connection, catalog_id, some)
    connection.execute(delete(PRODUCT).where(PRODUCT.c.key.in_(one_of_keys(connection, keys))))
    connection.execute(
        insert(TOMBSTONE),
        [{"product_key": key, "catalog_id": catalog_id, "revision": revision} for key in keys],
    )
    _forget_old_tombstones(connection, catalog_id)


def keys_of(connection: Connection, catalog_id: int, ids: Iterable[str]) -> dict[str, int]:
    """The keys of the ids that the catalog has."""
    wanted = list(ids)
    if not wanted:
        return {}
    found = select(PRODUCT.c.id, PRODUCT.c.key).where(
        PRODUCT.c.catalog_id == catalog_id, PRODUCT.c.id.in_(one_of_texts(connection, wanted))
    )
    return {row.id: row.key for row in connection.execute(found)}


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What all products of one write have in common."""

    catalog_id: int
    revision: int
    run: int | None


def _columns(stamp: _Stamp, row: CatalogRow) -> dict[str, object]:
    return {
        "row_hash": row.row_hash,
        "text_hash": row.text_hash,
        "revision": stamp.revision,
        "seen_run": stamp.run,
        "price": row.product.price,
        "length": len(row.terms.strong | row.terms.weak),
    }


def _update_products(
    connection: Connection, stamp: _Stamp, rows: Mapping[str, CatalogRow], keys: Mapping[str, int]
) -> None:
    if rows:
        connection.execute(
            update(PRODUCT).where(PRODUCT.c.key == bindparam("of_key")),
            [{"of_key": keys[product_id], **_columns(stamp, row)} for product_id, row in rows.items()],
        )


def _insert_products(connection: Connection, stamp: _Stamp, rows: Mapping[str, CatalogRow]) -> None:
    added = [
        {"catalog_id": stamp.catalog_id, "id": product_id, **_columns(stamp, row)}
        for product_id, row in rows.items()
    ]
    insert_many(connection, PRODUCT, added)


def _add_details(
    connection: Connection, catalog_id: int, rows: Mapping[str, CatalogRow], keys: Mapping[str, int]
) -> None:
    keyed = [(keys[product_id], row) for product_id, row in rows.items()]
    postings = [lexical.posting(key, row.terms) for key, row in keyed]
    documents = [
        {"product_key": key, "strong": each.strong, "weak": each.weak, "body": to_body(row.product)}
        for (key, row), each in zip(keyed, postings, strict=True)
    ]
    pictures = [
        {"product_key": key, "position": position, "hash": storable(content)}
        for key, row in keyed
        for position, content in enumerate(row.picture_hashes)
    ]
    for table, values in (
        (DOCUMENT, documents),
        (PICTURE, pictures),
        (ATTRIBUTE, _values(catalog_id, keyed)),
    ):
        insert_many(connection, table, values)
    lexical.index_of(connection, catalog_id).add(postings)
    add_tokens(connection, catalog_id, postings, times=1)


def _values(catalog_id: int, keyed: Sequence[tuple[int, CatalogRow]]) -> list[dict[str, object]]:
    return [
        {
            "catalog_id": catalog_id,
            "product_key": key,
            "name": value.name,
            "folded": value.folded,
            "value": value.shown,
            "number": value.number,
        }
        for key, row in keyed
        for value in values_of(row.product)
    ]


def _forget_details(connection: Connection, catalog_id: int, keys: Iterable[int]) -> None:
    """Takes away all that hangs on the products, and leaves the products."""
    wanted = list(keys)
    if not wanted:
        return
    stored = select(DOCUMENT.c.product_key, DOCUMENT.c.strong, DOCUMENT.c.weak).where(
        DOCUMENT.c.product_key.in_(one_of_keys(connection, wanted))
    )
    postings = [Posting(row.product_key, row.strong, row.weak) for row in connection.execute(stored)]
    lexical.index_of(connection, catalog_id).take_out(postings)
    add_tokens(connection, catalog_id, postings, times=-1)
    for table in (DOCUMENT, PICTURE, ATTRIBUTE):
        connection.execute(delete(table).where(table.c.product_key.in_(one_of_keys(connection, wanted))))


def _forget_old_tombstones(connection: Connection, catalog_id: int) -> None:
    """Keeps the newest tombstones; `removed_since` answers for older ones from the keys that are left."""
    oldest_kept = connection.execute(
        select(TOMBSTONE.c.revision)
        .where(TOMBSTONE.c.catalog_id == catalog_id)
        .order_by(TOMBSTONE.c.revision.desc())
        .offset(MAX_TOMBSTONES)
        .limit(1)
    ).scalar()
    if oldest_kept is None:
        return
    connection.execute(
        delete(TOMBSTONE).where(TOMBSTONE.c.catalog_id == catalog_id, TOMBSTONE.c.revision <= oldest_kept)
    )
    connection.execute(update(CATALOG).where(CATALOG.c.id == catalog_id).values(tombstones_from=oldest_kept))


def mark_seen(connection: Connection, catalog_id: int, ids: Iterable[str], run: int) -> None:
    """Notes that a run met these products."""
    connection.execute(
        update(PRODUCT)
        .where(PRODUCT.c.catalog_id == catalog_id, PRODUCT.c.id.in_(one_of_texts(connection, ids)))
        .values(seen_run=run)
    )


def unseen(connection: Connection, catalog_id: int, run: int) -> list[int]:
    """The keys of the products that a run has not met, ascending."""
    missed = select(PRODUCT.c.key).where(
        PRODUCT.c.catalog_id == catalog_id, PRODUCT.c.seen_run.is_distinct_from(run)
    )
    return sorted(connection.execute(missed).scalars())
