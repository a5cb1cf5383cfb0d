"""A database of an earlier release is brought forward with all that it holds."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from core.catalog import CatalogStore
from core.catalog.lexical import index_of
from core.encoder_choice import EncodersOfCatalog
from core.filters import parse_filter

DRIVERS = {"postgresql://": "postgresql+psycopg://"}
CATALOG = """
INSERT INTO catalog (name, index_fields, revision, products, tokens, tombstones_from)
VALUES ('shop', '["title"]', 7, 1, 0, 0)
"""
PRODUCT = """
INSERT INTO product (catalog_id, id, row_hash, text_hash, revision, length, price)
VALUES (1, 'a', 'r', 't', 7, 0, 9.5)
"""

VALUES = """
INSERT INTO attribute (product_key, name, folded, value, number, catalog_id)
VALUES (1, 'color', 'red', 'Red', NULL, 1), (1, 'width', '3', '3', 3.0, 1)
"""


def made_by_the_first_release(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", "core.catalog:migrations")
    for plain, driver in DRIVERS.items():
        url = url.replace(plain, driver)
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in (CATALOG, PRODUCT, VALUES):
            connection.execute(text(statement))
        index_of(connection, 1).create()
    engine.dispose()


def test_a_catalog_of_the_first_release_is_searched_by_what_the_settings_say(url: str) -> None:
    made_by_the_first_release(url)

    store = CatalogStore.open(url)
    shop = store.catalog("shop")

    assert shop.encoding.encoders() == EncodersOfCatalog(choice=None, fingerprint=None)
    assert (shop.revision(), shop.size()) == (7, 1)
    assert len(shop.encoding.missing("any")) == 1
    store.close()


@pytest.mark.parametrize(
    ("expression", "passing"),
    [("color = red", 1), ("width > 2", 1), ("price 9 TO 10", 1), ("color != blue", 1), ("color = blue", 0)],
)
def test_products_of_the_first_release_are_found_by_filters(url: str, expression: str, passing: int) -> None:
    made_by_the_first_release(url)
    tree = parse_filter(expression)

    store = CatalogStore.open(url)

    assert tree is not None
    assert len(store.catalog("shop").matching(tree)) == passing
    store.close()
