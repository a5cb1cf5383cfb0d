"""Filters read sets of products instead of walking an index of values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.catalog.filterable import NOTHING, Filterable
from core.catalog.value_sets import change

revision = "0003"
down_revision = "0002"

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PRODUCTS_AT_ONCE = 50_000


def upgrade() -> None:
    op.create_table(
        "value_set",
        _of_catalog(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("folded", sa.Text, primary_key=True),
        sa.Column("chunk", sa.Integer, primary_key=True),
        sa.Column("members", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "number_set",
        _of_catalog(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("chunk", sa.Integer, primary_key=True),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("members", sa.LargeBinary, nullable=False),
        sa.Column("numbers", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.drop_index("attribute_by_value", "attribute")
    op.drop_index("product_by_price", "product")
    _fill(op.get_bind())


def _of_catalog() -> sa.Column[int]:
    return sa.Column("catalog_id", sa.Integer, sa.ForeignKey("catalog.id"), nullable=False, primary_key=True)


def _fill(connection: sa.Connection) -> None:
    products = sa.table("product", sa.column("key"), sa.column("catalog_id"))
    for catalog_id in connection.execute(sa.select(products.c.catalog_id).distinct()).scalars().all():
        of_catalog = sa.select(products.c.key).where(products.c.catalog_id == catalog_id)
        keys = connection.execute(of_catalog.order_by(products.c.key)).scalars().all()
        for start in range(0, len(keys), PRODUCTS_AT_ONCE):
            some = Filterable.stored(connection, keys[start : start + PRODUCTS_AT_ONCE])
            change(connection, catalog_id, NOTHING, some)
