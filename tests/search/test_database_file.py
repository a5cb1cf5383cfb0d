"""A SQLite file that is removed or replaced under a running server: no write is lost in it, and no answer is wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.errors import DataFolderProblem
from core.publishing import publish
from core.types import Query
from search import live, serving
from search.engine import SearchEngine
from tests.shops import Shop, coloured_shop, product

SHOE = Query(text="red shoe", limit=3)


@pytest.fixture(autouse=True)
def _follows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (live, serving):
        monkeypatch.setattr(module, "CHECK_EVERY_SECONDS", 0.0)


def found(engine: SearchEngine) -> list[str]:
    return [hit.candidate.product.id for hit in engine.search(SHOE, "products").hits]


def backup(shop: Shop) -> Path:
    kept = shop.data / "kept.db"
    with sqlite3.connect(shop.data / "catalog.db") as source, sqlite3.connect(kept) as target:
        source.backup(target)
    source.close()
    target.close()
    return kept


def delete(shop: Shop) -> None:
    for path in shop.data.glob("catalog.db*"):
        path.unlink()


def test_searches_and_writes_are_refused_while_the_file_is_gone(shop: Shop) -> None:
    engine = coloured_shop(shop).engine()
    found(engine)
    delete(shop)

    with pytest.raises(DataFolderProblem, match="the file is gone"):
        found(engine)
    with pytest.raises(DataFolderProblem, match="the file is gone"):
        shop.store.create("another", index_fields=())

    assert not (shop.data / "catalog.db").exists()


def test_a_file_that_is_put_back_is_read_and_written_without_a_restart(shop: Shop) -> None:
    engine = coloured_shop(shop).engine()
    before = found(engine)
    kept = backup(shop)
    delete(shop)

    kept.rename(shop.data / "catalog.db")

    assert found(engine) == before
    shop.store.catalog("products").remove(["red shoe"])
    with sqlite3.connect(shop.data / "catalog.db") as file:
        assert file.execute("SELECT products FROM catalog").fetchone() == (5,)
    file.close()


def test_an_older_state_that_is_put_back_is_what_is_found(shop: Shop) -> None:
    engine = coloured_shop(shop).engine()
    kept = backup(shop)
    shop.ingest([product(shop, "red shoe, the second", "red")])
    catalog = shop.store.catalog("products")
    publish(shop.data, catalog, shop.encoder.fingerprint)
    assert "red shoe, the second" in found(engine)

    delete(shop)
    kept.rename(shop.data / "catalog.db")

    assert "red shoe, the second" not in found(engine)
    # Revisions are given once more now: what comes must be found, though the index has seen their numbers.
    shop.ingest([product(shop, "red shoe, the third", "red")])
    assert "red shoe, the third" in found(engine)
