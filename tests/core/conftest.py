"""What the tests of the catalog share; the ones over PostgreSQL put another store in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalog import Catalog, CatalogStore


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.db'}"


@pytest.fixture
def store(url: str) -> Iterator[CatalogStore]:
    opened = CatalogStore.open(url)
    yield opened
    opened.close()


@pytest.fixture
def shop(store: CatalogStore) -> Catalog:
    return store.create("shop", index_fields=("title",))
