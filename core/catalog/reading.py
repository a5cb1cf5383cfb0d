"""Reading of products: whole ones, their words alone, counts, and what changed when."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, func, select

from core.catalog.dialect import keys_of, named_keys, one_of_keys, one_of_texts, packed_keys
from core.catalog.documents import from_body
from core.catalog.lexical import opaque
from core.catalog.rows import CatalogCounts, StoredProduct
from core.catalog.schema import CATALOG, DOCUMENT, PICTURE, PRODUCT, TOKEN, TOMBSTONE
from core.language.terms import ProductTerms
from core.types import Keys, Product


def products(connection: Connection, keys: Keys | Collection[int]) -> dict[int, StoredProduct]:
    """Whole products in the order of the keys; keys that are gone are left out."""
    named = {"keys": packed_keys(connection, keys)}
    pictures: dict[int, list[str]] = {}
    for key, content in connection.execute(_pictures(connection.dialect.name), named).all():
        pictures.setdefault(key, []).append(content)
    found = {
        key: StoredProduct(
            key=key,
            product=from_body(body),
            strong=frozenset(strong.split()),
            weak=frozenset(weak.split()),
            picture_hashes=tuple(pictures.get(key, ())),
            text_hash=text_hash,
            row_hash=row_hash,
        )
        for key, row_hash, text_hash, strong, weak, body in connection.execute(
            _products(connection.dialect.name), named
        ).all()
    }
    return {key: found[key] for key in _plain(keys) if key in found}


# Each search runs these statements: building them anew would cost as much as running them.
@cache
def _products(dialect: str) -> Select[Any]:
    return (
        select(
            PRODUCT.c.key,
            PRODUCT.c.row_hash,
            PRODUCT.c.text_hash,
            DOCUMENT.c.strong,
            DOCUMENT.c.weak,
            DOCUMENT.c.body,
        )
        .join(DOCUMENT)
        .where(PRODUCT.c.key.in_(named_keys(dialect)))
    )


@cache
def _pictures(dialect: str) -> Select[Any]:
    return (
        select(PICTURE.c.product_key, PICTURE.c.hash)
        .where(PICTURE.c.product_key.in_(named_keys(dialect)))
        .order_by(PICTURE.c.product_key, PICTURE.c.position)
    )


def bodies(connection: Connection, keys: Keys | Collection[int]) -> dict[int, Product]:
    """The products as their feed described them, without words and pictures."""
    found = connection.execute(_bodies(connection.dialect.name), {"keys": packed_keys(connection, keys)})
    return {row.product_key: from_body(row.body) for row in found.all()}


@cache
def _bodies(dialect: str) -> Select[Any]:
    return select(DOCUMENT.c.product_key, DOCUMENT.c.body).where(
        DOCUMENT.c.product_key.in_(named_keys(dialect))
    )


def terms(
    connection: Connection, keys: Keys | Collection[int], among: frozenset[str]
) -> dict[int, ProductTerms]:
    """Those of the tokens that products have, in the order of the keys."""
    wanted = select(DOCUMENT.c.product_key, DOCUMENT.c.strong, DOCUMENT.c.weak).where(
        DOCUMENT.c.product_key.in_(one_of_keys(connection, keys))
    )
    found = {
        key: ProductTerms(among.intersection(strong.split()), among.intersection(weak.split()))
        for key, strong, weak in connection.execute(wanted).all()
    }
    return {key: found[key] for key in _plain(keys) if key in found}


def prices(connection: Connection, keys: Keys | Collection[int]) -> dict[int, float]:
    """Prices by key, of the products that have one."""
    wanted = select(PRODUCT.c.key, PRODUCT.c.price).where(
        PRODUCT.c.key.in_(one_of_keys(connection, keys)), PRODUCT.c.price.is_not(None)
    )
    return {row.key: row.price for row in connection.execute(wanted)}


def row_hashes(connection: Connection, catalog_id: int, ids: Collection[str]) -> dict[str, str]:
    """Row hashes by product id."""
    wanted = select(PRODUCT.c.id, PRODUCT.c.row_hash).where(
        PRODUCT.c.catalog_id == catalog_id, PRODUCT.c.id.in_(one_of_texts(connection, ids))
    )
    return {row.id: row.row_hash for row in connection.execute(wanted)}


def counts(connection: Connection, catalog_id: int) -> CatalogCounts:
    """Products, distinct pictures and distinct texts."""
    own = select(func.count(), func.count(PRODUCT.c.text_hash.distinct())).where(
        PRODUCT.c.catalog_id == catalog_id
    )
    pictures = (
        select(func.count(PICTURE.c.hash.distinct()))
        .select_from(PICTURE.join(PRODUCT))
        .where(PRODUCT.c.catalog_id == catalog_id)
    )
    products_, texts = connection.execute(own).one()
    return CatalogCounts(products_, connection.execute(pictures).scalar_one(), texts)


def frequencies(connection: Connection, catalog_id: int, tokens: Iterable[str]) -> dict[str, int]:
    """In how many products each token is that the index has, by the token as it is indexed."""
    wanted = {whole for token in tokens if (whole := opaque(token))}
    if not wanted:
        return {}
    found = select(TOKEN.c.token, TOKEN.c.products).where(
        TOKEN.c.catalog_id == catalog_id,
        TOKEN.c.token.in_(one_of_texts(connection, sorted(wanted))),
        TOKEN.c.products > 0,
    )
    return {row.token: row.products for row in connection.execute(found)}


def changed(catalog_id: int, since: int) -> Select[tuple[int]]:
    """The keys of products whose last change came after a revision."""
    return select(PRODUCT.c.key).where(PRODUCT.c.catalog_id == catalog_id, PRODUCT.c.revision > since)


def removed(connection: Connection, catalog_id: int, since: int) -> Keys:
    """The keys of products that went after a revision."""
    oldest = select(CATALOG.c.tombstones_from).where(CATALOG.c.id == catalog_id)
    if since < (connection.execute(oldest).scalar() or 0):
        return _all_but_present(connection, catalog_id)
    gone = select(TOMBSTONE.c.product_key).where(
        TOMBSTONE.c.catalog_id == catalog_id, TOMBSTONE.c.revision > since
    )
    return keys_of(connection, gone)


def _all_but_present(connection: Connection, catalog_id: int) -> Keys:
    present = keys_of(connection, changed(catalog_id, -1))
    newest_tombstone = connection.execute(select(func.max(TOMBSTONE.c.product_key))).scalar() or 0
    newest_product = connection.execute(select(func.max(PRODUCT.c.key))).scalar() or 0
    return np.setdiff1d(np.arange(1, max(newest_tombstone, newest_product) + 1), present)


def _plain(keys: Keys | Collection[int]) -> Collection[int]:
    plain: Collection[int] = keys.tolist() if isinstance(keys, np.ndarray) else keys
    return plain
