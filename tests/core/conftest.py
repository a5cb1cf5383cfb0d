"""What the tests of the catalog share; the ones over PostgreSQL put another store in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalog import Catalog, CatalogStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CatalogStore]:
    opened = CatalogStore.open(f"sqlite:///{tmp_path / 'catalog.db'}")
    yield opened
    opened.close()


@pytest.fixture
def shop(store: CatalogStore) -> Catalog:
    return store.create("shop", index_fields=("title",))
