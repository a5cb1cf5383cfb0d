"""The catalog knows what changed when: revisions, tombstones, runs, prune."""

from __future__ import annotations

import numpy as np
import pytest

from core.catalog import Catalog, CatalogRow, CatalogStore, Reject, VectorRow
from core.errors import UnknownCatalog
from core.language.terms import ProductTerms
from core.types import Channel, Product

RED = np.array([1.0, 0.0, 0.0], np.float32)


NO_TERMS = ProductTerms(frozenset(), frozenset())


def row(product_id: str, *pictures: str) -> CatalogRow:
    return CatalogRow(Product(product_id), NO_TERMS, "row-hash", pictures)


def plain(*ids: str) -> list[CatalogRow]:
    return [row(product_id) for product_id in ids]


def ids(shop: Catalog) -> list[str]:
    return [product.id for product in shop.export()]


def test_revisions_grow_with_changes_and_only_with_them(shop: Catalog) -> None:
    before = shop.revision()
    shop.write(plain("a"))
    written = shop.revision()
    shop.remove(["nothing"])
    shop.mark_seen(["a"], shop.begin_run())
    unchanged = shop.revision()
    shop.remove(["a"])

    assert before < written == unchanged < shop.revision()


def test_what_changed_and_what_went_is_known_by_revision(shop: Catalog) -> None:
    shop.write(plain("a", "b", "c"))
    key = shop.keys_of(["a", "b", "c"])
    since = shop.revision()
    shop.write(plain("b", "d"))
    shop.remove(["a"])

    assert shop.changed_since(since).tolist() == [key["b"], shop.keys_of(["d"])["d"]]
    assert shop.removed_since(since).tolist() == [key["a"]]
    assert shop.removed_since(shop.revision()).tolist() == []


def test_a_product_that_comes_again_gets_a_new_key(shop: Catalog) -> None:
    shop.write(plain("a"))
    old = shop.keys_of(["a"])["a"]
    shop.remove(["a"])
    shop.write(plain("a"))

    assert shop.keys_of(["a"])["a"] > old
    assert shop.removed_since(0).tolist() == [old]


def test_removals_older_than_the_tombstones_are_still_answered(
    shop: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.catalog.writing.MAX_TOMBSTONES", 2)
    shop.write(plain("a", "b", "c", "d", "e"))
    key = shop.keys_of(["a", "b", "c", "d", "e"])
    since = shop.revision()
    for product_id in "abcd":
        shop.remove([product_id])

    removed = shop.removed_since(since)

    assert removed.tolist() == [key[product_id] for product_id in "abcd"]
    assert shop.removed_since(shop.revision() - 1).tolist() == [key["d"]]


def test_a_catalog_made_anew_never_repeats_a_revision(store: CatalogStore) -> None:
    old = store.create("shop", index_fields=())
    old.write(plain("a"))
    seen = old.revision()
    store.remove("shop")

    new = store.create("shop", index_fields=())

    assert new.revision() > seen
    assert ids(new) == []
    with pytest.raises(UnknownCatalog):
        old.revision()
    with pytest.raises(UnknownCatalog):
        old.write(plain("a"))


def test_prune_removes_what_a_run_neither_wrote_nor_saw(
    shop: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write(plain("old", "older", "oldest", "gone", "seen", "written"), run=shop.begin_run())
    run = shop.begin_run()
    shop.write(plain("written", "new"), run=run)
    shop.mark_seen(["seen", "unknown"], run)

    monkeypatch.setattr("core.catalog.writing.FORGOTTEN_AT_ONCE", 2)

    assert shop.prune(run) == 4
    assert ids(shop) == ["seen", "written", "new"]
    assert shop.prune(run) == 0


def test_only_vectors_of_changed_products_come_after_a_revision(shop: Catalog) -> None:
    vectors = [VectorRow(each, "fp", RED) for each in "pq"]
    shop.write([row("a", "p"), row("b", "p")], vectors)
    since = shop.revision()
    shop.write([row("b", "q", "without vector")])

    (batch,) = shop.vectors(Channel.PICTURE, "fp", since=since)

    assert batch.keys.tolist() == [shop.keys_of(["b"])["b"]]
    assert batch.features is None
    assert list(shop.vectors(Channel.PICTURE, "another", since=since)) == []
    assert list(shop.vectors(Channel.PICTURE, "fp", since=shop.revision())) == []


def test_runs_and_rejects_are_kept_with_their_reasons(shop: Catalog) -> None:
    refused = Reject("unreadable_image", "not a picture", "x.jpg", line=3, product_id="x")
    first, second = shop.begin_run(), shop.begin_run()
    shop.add_rejects(first, [refused])
    shop.add_rejects(second, [Reject("no_id", "the row has no id")])
    shop.end_run(first, {"stored": 940, "rejected": 1})

    assert shop.rejects(first) == [refused]
    assert [each.code for each in shop.rejects()] == ["unreadable_image", "no_id"]
    newest, oldest = shop.runs()
    assert newest.ended is None
    assert (oldest.id, dict(oldest.counts)) == (first, {"stored": 940, "rejected": 1})
    assert oldest.ended is not None
    assert oldest.started <= oldest.ended
