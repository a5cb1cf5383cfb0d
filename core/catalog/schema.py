"""The tables as the newest migration leaves them; a change here needs a migration beside it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

METADATA = MetaData()

BIG = BigInteger().with_variant(Integer, "sqlite")
"""SQLite gives keys by itself to columns of its own INTEGER only, which has 64 bits there."""


def _of_catalog(*, primary_key: bool = False) -> Column[int]:
    return Column("catalog_id", Integer, ForeignKey("catalog.id"), nullable=False, primary_key=primary_key)


def _of_product() -> Column[int]:
    return Column("product_key", BIG, ForeignKey("product.key"), primary_key=True)


CLOCK = Table(
    # One row. All catalogs draw their revisions from it, so that a catalog which is removed and made
    # again never shows a revision that an index of the old one was built from.
    "clock",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("revision", BIG, nullable=False),
)

CATALOG = Table(
    "catalog",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("index_fields", Text, nullable=False),
    Column("revision", BIG, nullable=False),
    Column("products", Integer, nullable=False),
    # Of all products together: what a length is long or short against.
    Column("tokens", BIG, nullable=False),
    # Removals before this revision are no longer listed in tombstone.
    Column("tombstones_from", BIG, nullable=False),
    # An EncoderChoice as JSON; NULL for what the settings say, and before the first switch.
    Column("encoder", Text),
    Column("encoder_before", Text),
    # Fingerprints. NULL while it isn't known which encoder's vectors are all there.
    Column("encoded_by", Text),
    Column("encoded_by_before", Text),
    sqlite_autoincrement=True,
)

PRODUCT = Table(
    # Narrow on purpose: filters, prune and index builds walk it; what a hit shows is in document.
    "product",
    METADATA,
    Column("key", BIG, primary_key=True),
    _of_catalog(),
    Column("id", Text, nullable=False),
    Column("row_hash", Text, nullable=False),
    Column("text_hash", Text),
    Column("revision", BIG, nullable=False),
    Column("seen_run", Integer),
    Column("price", Float),
    # Distinct tokens of its texts.
    Column("length", Integer, nullable=False),
    Index("product_by_id", "catalog_id", "id", unique=True),
    Index("product_by_revision", "catalog_id", "revision"),
    # A key is never given twice: indexes that still hold a removed product must not show another one.
    sqlite_autoincrement=True,
)

DOCUMENT = Table(
    "document",
    METADATA,
    _of_product(),
    Column("strong", Text, nullable=False),
    Column("weak", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

PICTURE = Table(
    "product_picture",
    METADATA,
    _of_product(),
    Column("position", Integer, primary_key=True),
    Column("hash", Text, nullable=False),
    Index("picture_by_hash", "hash"),
    sqlite_with_rowid=False,
)

ATTRIBUTE = Table(
    "attribute",
    METADATA,
    _of_product(),
    Column("name", Text, primary_key=True),
    Column("folded", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("number", Float),
    _of_catalog(),
    sqlite_with_rowid=False,
)

VALUE_SET = Table(
    # The products that have a value, derived from attribute: what filters read.
    "value_set",
    METADATA,
    _of_catalog(primary_key=True),
    Column("name", Text, primary_key=True),
    Column("folded", Text, primary_key=True),
    # Which stretch of keys; see chunks.py.
    Column("chunk", Integer, primary_key=True),
    Column("members", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

NUMBER_SET = Table(
    # The numbers that products have, derived from attribute and from their prices.
    "number_set",
    METADATA,
    _of_catalog(primary_key=True),
    Column("name", Text, primary_key=True),
    Column("chunk", Integer, primary_key=True),
    # The catalog's, when the chunk last changed; an emptied chunk stays, to be seen as changed.
    Column("revision", BIG, nullable=False),
    Column("members", LargeBinary, nullable=False),
    Column("numbers", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

VECTOR = Table(
    "vector",
    METADATA,
    Column("id", BIG, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("scale", Float, nullable=False),
    # The short vector stands before the long features, so that reading it alone touches no overflow page.
    Column("vector", LargeBinary, nullable=False),
    Column("features", LargeBinary),
    Index("vector_by_hash", "hash", "fingerprint", unique=True),
)

TOKEN = Table(
    # How many products have a token; the lexical index itself is made a catalog at a time.
    "token",
    METADATA,
    _of_catalog(primary_key=True),
    Column("token", Text, primary_key=True),
    Column("products", Integer, nullable=False),
    sqlite_with_rowid=False,
)

TOMBSTONE = Table(
    "tombstone",
    METADATA,
    Column("product_key", BIG, primary_key=True),
    _of_catalog(),
    Column("revision", BIG, nullable=False),
    Index("tombstone_by_revision", "catalog_id", "revision"),
)

RUN = Table(
    "run",
    METADATA,
    Column("id", Integer, primary_key=True),
    _of_catalog(),
    Column("started", Text, nullable=False),
    Column("ended", Text),
    Column("counts", Text, nullable=False),
    sqlite_autoincrement=True,
)

REJECT = Table(
    "reject",
    METADATA,
    Column("id", Integer, primary_key=True),
    _of_catalog(),
    Column("run", Integer, nullable=False),
    Column("line", Integer),
    Column("product_id", Text),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("source", Text, nullable=False),
    Index("reject_by_run", "catalog_id", "run"),
)
