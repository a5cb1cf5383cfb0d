"""Products, their words and their vectors in SQL: the only package that knows SQLAlchemy and Alembic."""

from core.catalog.catalog import Catalog
from core.catalog.rows import (
    CatalogCounts,
    CatalogRow,
    PriceRange,
    Reject,
    Run,
    StoredProduct,
    VectorRow,
    WriteCounts,
)
from core.catalog.store import CatalogStore

__all__ = [
    "Catalog",
    "CatalogCounts",
    "CatalogRow",
    "CatalogStore",
    "PriceRange",
    "Reject",
    "Run",
    "StoredProduct",
    "VectorRow",
    "WriteCounts",
]
