"""A PostgreSQL database that was made for a language answers in the order of one that was not, and of SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from core.catalog import Catalog, CatalogRow, CatalogStore
from core.language.terms import ProductTerms
from core.types import Product

BRANDS = ("Zebra", "apple", "Éclair", "_under", "10", "9", "zebra crossing", "红")


@pytest.fixture
def american(postgres: str) -> str:
    """The URL of a database that sorts as American English does: small letters before capitals, marks ignored."""
    admin = create_engine(postgres.replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS american WITH (FORCE)"))
        made = "CREATE DATABASE american TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        connection.execute(text(made))
    admin.dispose()
    return make_url(postgres).set(database="american").render_as_string(hide_password=False)


def filled(url: str) -> tuple[CatalogStore, Catalog]:
    store = CatalogStore.open(url)
    for name in ("b", "A", "_c", "shop"):
        store.create(name, index_fields=())
    shop = store.catalog("shop")
    no_terms = ProductTerms(frozenset(), frozenset())
    rows = [
        CatalogRow(
            Product(brand, category=("Wear", brand), attributes={"brand": (brand,), "Category.X": ("9",)}),
            no_terms,
            "r",
        )
        for brand in BRANDS
    ]
    shop.write(rows)
    return store, shop


def test_facets_and_names_stand_in_one_order_whatever_the_language(american: str, tmp_path: Path) -> None:
    answers = []
    for url in (american, f"sqlite:///{tmp_path}/catalog.db"):
        store, shop = filled(url)
        keys = shop.changed_since(0)
        facets = shop.facets(keys, ["brand", "category", "category.lvl0"], limit=5)
        answers.append((store.names(), [list(counts) for counts in facets.values()]))
        store.close()

    assert answers[0] == answers[1]
    assert answers[0][0] == ["A", "_c", "b", "shop"]
