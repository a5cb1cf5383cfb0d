"""A server's indexes follow its catalog: changes are folded away beside searches, and lost files come back."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core import publishing
from core.catalog import Catalog, CatalogRow, VectorRow
from core.errors import DataFolderProblem
from core.language.terms import ProductTerms
from core.publishing import index_folder, publish_changes, publish_channel
from core.types import Channel, Product
from core.vector_index import VectorIndex, files
from search import background, live
from search.live import LiveCatalog
from tests.shops import Shop, coloured_shop

FINGERPRINT = "color@1"
RED = np.array([1, 0, 0, 0], np.float32)


def write(catalog: Catalog, ids: list[str]) -> None:
    """Products that all look the same red."""
    rows = [
        CatalogRow(
            Product(id=each, title=each), ProductTerms(frozenset(), frozenset()), "hash", (f"picture {each}",)
        )
        for each in ids
    ]
    vectors = [VectorRow(f"picture {each}", FINGERPRINT, RED, None, 1.0) for each in ids]
    catalog.write(rows, vectors)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def catalog(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    monkeypatch.setattr(live, "CHECK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(background, "AFTER_FAILURE_SECONDS", 0.1)
    return coloured_shop(shop).store.catalog("products")


@pytest.fixture
def served(shop: Shop, catalog: Catalog) -> LiveCatalog:
    return LiveCatalog(catalog, shop.data, FINGERPRINT)


def pictures(served: LiveCatalog) -> VectorIndex:
    return served.snapshot().picture


def folder(shop: Shop) -> Path:
    return index_folder(shop.data, "products", Channel.PICTURE, FINGERPRINT)


def published(shop: Shop) -> int:
    return len(VectorIndex.open(folder(shop), fingerprint=FINGERPRINT))


def test_a_few_changes_stay_in_memory(shop: Shop, catalog: Catalog, served: LiveCatalog) -> None:
    write(catalog, ["new"])

    assert len(pictures(served)) == 7
    assert pictures(served).changes == 1
    assert published(shop) == 6


def test_many_changes_are_published_beside_the_searches(
    shop: Shop, catalog: Catalog, served: LiveCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FOLDED_ROWS", 10)

    write(catalog, [f"new {number}" for number in range(20)])

    until(lambda: len(pictures(served)) == 26 and pictures(served).changes == 0)
    assert published(shop) == 26


def test_what_an_ingest_publishes_is_taken_over_without_a_change(
    shop: Shop, catalog: Catalog, served: LiveCatalog
) -> None:
    write(catalog, ["new"])
    assert pictures(served).changes == 1

    publish_changes(shop.data, catalog, Channel.PICTURE, FINGERPRINT)

    assert pictures(served).changes == 0
    assert len(pictures(served)) == 7


def test_changes_after_a_publication_are_kept_over_it(
    shop: Shop, catalog: Catalog, served: LiveCatalog
) -> None:
    write(catalog, ["first"])
    publish_changes(shop.data, catalog, Channel.PICTURE, FINGERPRINT)
    write(catalog, ["second"])
    catalog.remove(["first", "red shoe"])

    index = pictures(served)

    assert (len(index), index.changes) == (6, 1)
    found = index.nearest(RED, 10)[0]
    assert set(catalog.by_keys(found)) == set(catalog.changed_since(0).tolist())


@pytest.mark.parametrize("harm", ["lost", "damaged"])
def test_files_that_go_missing_under_a_server_are_made_anew(
    shop: Shop, catalog: Catalog, served: LiveCatalog, harm: str
) -> None:
    pointer = folder(shop) / "current"
    pointer.unlink() if harm == "lost" else pointer.write_text("nothing")

    answers = [len(pictures(served)) for _ in range(5)]

    assert answers == [6] * 5
    until(lambda: pointer.exists() and pointer.read_text() != "nothing")
    until(lambda: pictures(served).is_over(folder(shop)))
    assert published(shop) == 6


def test_a_publication_that_fails_is_tried_again_while_searches_go_on(
    shop: Shop, catalog: Catalog, served: LiveCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    def full_at_first(*arguments: object, **named: object) -> None:
        attempts.append(arguments)
        if len(attempts) == 1:
            raise DataFolderProblem(str(shop.data), "No space left on device")
        publish_changes(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(live, "publish_changes", full_at_first)
    monkeypatch.setattr(live, "FOLDED_ROWS", 0)

    write(catalog, ["new"])

    until(lambda: len(pictures(served)) == 7 and pictures(served).changes == 0)
    assert len(attempts) > 1


def test_of_several_servers_that_find_an_index_lost_one_makes_it(
    shop: Shop, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, opened = [], []

    def noted(*arguments: object, **named: object) -> None:
        made.append(arguments)
        publish_channel(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "publish_channel", noted)
    shutil.rmtree(folder(shop))
    servers = [
        threading.Thread(target=lambda: opened.append(LiveCatalog(catalog, shop.data, FINGERPRINT)))
        for _ in range(3)
    ]
    with files.publishing(folder(shop)):
        for server in servers:
            server.start()
        time.sleep(0.5)  # Until all have found nothing there.
    for server in servers:
        server.join()

    assert len(made) == 1
    assert [len(pictures(each)) for each in opened] == [6] * 3


def test_what_another_process_publishes_is_left_to_it(shop: Shop, catalog: Catalog) -> None:
    write(catalog, ["new"])

    with files.publishing(folder(shop)):
        folding = threading.Thread(
            target=publish_changes,
            args=(shop.data, catalog, Channel.PICTURE, FINGERPRINT),
            kwargs={"gently": True},
            daemon=True,
        )
        folding.start()
        folding.join(20)
        has_waited = folding.is_alive()

    assert not has_waited
    assert published(shop) == 6
