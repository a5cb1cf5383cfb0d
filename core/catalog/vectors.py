"""Vectors beside the rows: put in once for each content and encoder, read out in a stream of batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, select

from core.catalog.database import Database
from core.catalog.dialect import insert, named_keys, one_of_keys, one_of_texts, packed_keys
from core.catalog.rows import VectorRow
from core.catalog.schema import PICTURE, PRODUCT, VECTOR
from core.types import Channel, Keys, VectorBatch

BATCH = 8_192
"""Rows of one batch at most: 50 MB with features of 5,000 codes."""
DROPPED_AT_ONCE = 5_000
_PRODUCTS_A_QUERY = 4_096

T = TypeVar("T", bound=np.generic)


def known(connection: Connection, hashes: Collection[str], fingerprint: str) -> set[str]:
    """Those of the hashes that the encoder's vectors are stored for."""
    found = select(VECTOR.c.hash).where(
        VECTOR.c.hash.in_(one_of_texts(connection, hashes)), VECTOR.c.fingerprint == fingerprint
    )
    return set(connection.execute(found).scalars())


def put(connection: Connection, rows: Sequence[VectorRow]) -> None:
    """Stores vectors; those that are there already stay, since a fingerprint names all that could differ."""
    if not rows:
        return
    connection.execute(
        insert(connection, VECTOR).on_conflict_do_nothing(index_elements=["hash", "fingerprint"]),
        [
            {
                "hash": row.hash,
                "fingerprint": row.fingerprint,
                "scale": float(row.scale),
                "vector": row.vector.astype(np.float16).tobytes(),
                "features": None if row.features is None else row.features.astype(np.int8).tobytes(),
            }
            for row in rows
        ],
    )


def drop_unused(connection: Connection) -> int:
    """Drops the vectors of contents that no product of any catalog has."""
    used = exists().where(PICTURE.c.hash == VECTOR.c.hash)
    texts = select(PRODUCT.c.text_hash).where(PRODUCT.c.text_hash.is_not(None))
    return connection.execute(delete(VECTOR).where(~used, VECTOR.c.hash.not_in(texts))).rowcount


def drop_some_of_others(connection: Connection, fingerprints: Collection[str], after: int) -> tuple[int, int]:
    """Drops some vectors of all encoders but these, in the order of their numbers; how many, and the last number."""
    others = select(VECTOR.c.id).where(VECTOR.c.id > after, VECTOR.c.fingerprint.not_in(fingerprints))
    ids = list(connection.execute(others.order_by(VECTOR.c.id).limit(DROPPED_AT_ONCE)).scalars())
    connection.execute(delete(VECTOR).where(VECTOR.c.id.in_(one_of_keys(connection, ids))))
    return len(ids), ids[-1] if ids else after


def batches(database: Database, channel: Channel, fingerprint: str, keys: Keys) -> Iterator[VectorBatch]:
    """The vectors of the products, in key order; a picture or a text that has none is left out.

    Each batch is a transaction of its own, so that a slow reader neither holds memory nor keeps the log from
    being folded into the database.
    """
    for start in range(0, len(keys), _PRODUCTS_A_QUERY):
        with database.reading() as connection:
            named = {"keys": packed_keys(connection, keys[start : start + _PRODUCTS_A_QUERY])}
            wanted = _rows_of(connection.dialect.name, channel)
            found = connection.execution_options(yield_per=BATCH).execute(
                wanted, {**named, "fingerprint": fingerprint}
            )
            for rows in found.partitions(BATCH):
                yield _batch(rows)


# Each judged search runs these statements: building them anew would cost as much as running them.
@cache
def _rows_of(dialect: str, channel: Channel) -> Select[tuple[int, float, bytes, bytes]]:
    columns = (VECTOR.c.scale, VECTOR.c.vector, VECTOR.c.features)
    of_encoder = VECTOR.c.fingerprint == bindparam("fingerprint")
    if channel is Channel.PICTURE:
        return (
            select(PICTURE.c.product_key, *columns)
            .join(VECTOR, VECTOR.c.hash == PICTURE.c.hash)
            .where(PICTURE.c.product_key.in_(named_keys(dialect)), of_encoder)
            .order_by(PICTURE.c.product_key, PICTURE.c.position)
        )
    return (
        select(PRODUCT.c.key, *columns)
        .join(VECTOR, VECTOR.c.hash == PRODUCT.c.text_hash)
        .where(PRODUCT.c.key.in_(named_keys(dialect)), of_encoder)
        .order_by(PRODUCT.c.key)
    )


def _batch(rows: Sequence[Row[tuple[int, float, bytes, bytes]]]) -> VectorBatch:
    keys, scales, vectors, features = zip(*rows, strict=True)
    return VectorBatch(
        keys=np.array(keys, dtype=np.int64),
        vectors=_matrix(vectors, np.float16).astype(np.float32),
        features=None if features[0] is None else _matrix(features, np.int8),
        scales=np.array(scales, dtype=np.float32),
    )


def _matrix(blobs: Sequence[bytes], dtype: type[T]) -> NDArray[T]:
    return np.frombuffer(b"".join(blobs), dtype=dtype).reshape(len(blobs), -1)
