"""The catalog's own tests once more, over a PostgreSQL server that is started for them."""

from __future__ import annotations

import pytest

from tests.core import (
    test_catalog,
    test_catalog_changes,
    test_catalog_filters,
    test_catalog_search,
    test_databases,
    test_encoding,
    test_migrations,
)
from tests.postgres import emptied

for module in (
    test_catalog,
    test_catalog_changes,
    test_catalog_filters,
    test_catalog_search,
    test_databases,
    test_encoding,
    test_migrations,
):
    globals().update({name: each for name, each in vars(module).items() if name.startswith("test_")})
clothes = test_catalog_search.clothes
seen = test_encoding.seen


@pytest.fixture
def url(postgres: str) -> str:
    return emptied(postgres)
