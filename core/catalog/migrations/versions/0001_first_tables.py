"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _catalogs()
    _products()
    _attributes()
    _vectors()
    _tokens()
    _journal()
    op.execute("INSERT INTO clock (id, revision) VALUES (1, 0)")


def _of_catalog(*, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        "catalog_id", sa.Integer, sa.ForeignKey("catalog.id"), nullable=False, primary_key=primary_key
    )


def _of_product() -> sa.Column[int]:
    return sa.Column("product_key", BIG, sa.ForeignKey("product.key"), primary_key=True)


def _catalogs() -> None:
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("revision", BIG, nullable=False),
    )
    op.create_table(
        "catalog",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("index_fields", sa.Text, nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("products", sa.Integer, nullable=False),
        sa.Column("tokens", BIG, nullable=False),
        sa.Column("tombstones_from", BIG, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tombstone",
        sa.Column("product_key", BIG, primary_key=True),
        _of_catalog(),
        sa.Column("revision", BIG, nullable=False),
    )
    op.create_index("tombstone_by_revision", "tombstone", ["catalog_id", "revision"])


def _products() -> None:
    op.create_table(
        "product",
        sa.Column("key", BIG, primary_key=True),
        _of_catalog(),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("row_hash", sa.Text, nullable=False),
        sa.Column("text_hash", sa.Text),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("seen_run", sa.Integer),
        sa.Column("price", sa.Float),
        sa.Column("length", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("product_by_id", "product", ["catalog_id", "id"], unique=True)
    op.create_index("product_by_revision", "product", ["catalog_id", "revision"])
    op.create_index("product_by_price", "product", ["catalog_id", "price"])
    op.create_table(
        "document",
        _of_product(),
        sa.Column("strong", sa.Text, nullable=False),
        sa.Column("weak", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def _attributes() -> None:
    op.create_table(
        "attribute",
        _of_product(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("folded", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("number", sa.Float),
        _of_catalog(),
        sqlite_with_rowid=False,
    )
    op.create_index("attribute_by_value", "attribute", ["catalog_id", "name", "folded"])


def _vectors() -> None:
    op.create_table(
        "product_picture",
        _of_product(),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("picture_by_hash", "product_picture", ["hash"])
    op.create_table(
        "vector",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("scale", sa.Float, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("features", sa.LargeBinary),
    )
    op.create_index("vector_by_hash", "vector", ["hash", "fingerprint"], unique=True)


def _tokens() -> None:
    op.create_table(
        "token",
        _of_catalog(primary_key=True),
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("products", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )


def _journal() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        _of_catalog(),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("ended", sa.Text),
        sa.Column("counts", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reject",
        sa.Column("id", sa.Integer, primary_key=True),
        _of_catalog(),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer),
        sa.Column("product_id", sa.Text),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
    )
    op.create_index("reject_by_run", "reject", ["catalog_id", "run"])
