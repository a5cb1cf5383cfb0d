"""A server with the demo shop, in a folder of its own, for trying its API for as long as one likes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from api.app import create_app
from bench.fuzz.api import Server, target_of
from bench.fuzz.running import Target
from core.catalog import CatalogStore
from core.settings import Settings
from indexer.cli import ingest_demo
from indexer.putting import open_writer
from search.opening import open_engine

ADMIN_KEY = "an admin key for trying"


def demo_server(database: str | None = None) -> Server:
    """A server that knows the demo shop and has the lite models; in SQLite unless a database's URL is given."""
    data = Path(tempfile.mkdtemp(prefix="lychee-fuzz-"))
    named = {} if database is None else {"database_url": database}
    settings = Settings.model_validate({"data": data, "admin_key": ADMIN_KEY, **named})
    ingest_demo(settings)
    engine = open_engine(settings)
    ids = tuple(_ids(engine.store))
    return Server(create_app(settings, engine, writer=open_writer(settings, engine)), ADMIN_KEY, True, ids)


def api_target(database: str | None = None) -> Target:
    """The API of that server."""
    return target_of(demo_server(database))


def _ids(store: CatalogStore) -> list[str]:
    return sorted(product.id for product in store.catalog("products").export())
