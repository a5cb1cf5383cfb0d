"""A database of an earlier release is brought forward with all that it holds."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from core.catalog import CatalogStore
from core.encoder_choice import EncodersOfCatalog

DRIVERS = {"postgresql://": "postgresql+psycopg://"}
CATALOG = """
INSERT INTO catalog (name, index_fields, revision, products, tokens, tombstones_from)
VALUES ('shop', '["title"]', 7, 1, 0, 0)
"""
PRODUCT = """
INSERT INTO product (catalog_id, id, row_hash, text_hash, revision, length) VALUES (1, 'a', 'r', 't', 7, 0)
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
        for statement in (CATALOG, PRODUCT):
            connection.execute(text(statement))
    engine.dispose()


def test_a_catalog_of_the_first_release_is_searched_by_what_the_settings_say(url: str) -> None:
    made_by_the_first_release(url)

    store = CatalogStore.open(url)
    shop = store.catalog("shop")

    assert shop.encoding.encoders() == EncodersOfCatalog(choice=None, fingerprint=None)
    assert (shop.revision(), shop.size()) == (7, 1)
    assert len(shop.encoding.missing("any")) == 1
    store.close()
