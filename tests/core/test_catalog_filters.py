"""Filters over a catalog that changes: what they answer is what the products say at that moment, whoever wrote them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.catalog import Catalog, CatalogRow, CatalogStore, chunks
from core.catalog.kept_sets import KeptSets
from core.errors import UnknownCatalog
from core.filters import Compare, Filter, parse_filter
from core.key_set import KeySet
from core.language.terms import ProductTerms
from core.types import Product

COLOURS = ("red", "green", "blue")
NO_TERMS = ProductTerms(frozenset(), frozenset())


def tree_of(expression: str) -> Filter:
    tree = parse_filter(expression)
    assert tree is not None
    return tree


def row(product_id: str, **fields: object) -> CatalogRow:
    return CatalogRow(Product(product_id, **fields), NO_TERMS, "r")  # type: ignore[arg-type]


def drawn(generator: np.random.Generator, product_id: str) -> CatalogRow:
    """A product with any colours, widths, price and category, or without them."""
    colours = generator.choice(COLOURS, generator.integers(0, 3), replace=False).tolist()
    widths = generator.integers(1, 6, generator.integers(0, 3)).tolist()
    return row(
        product_id,
        price=None if generator.random() < 0.2 else float(generator.integers(0, 50)),
        category=("Shop", "Shoes")[: generator.integers(0, 3)],
        attributes={"color": tuple(colours), "width": tuple(str(width) for width in widths)},
    )


SAID: dict[str, Callable[[Product], bool]] = {
    "color = red": lambda it: "red" in it.attributes["color"],
    "color != red": lambda it: "red" not in it.attributes["color"],
    "color IN (red, blue) AND price < 25": lambda it: (
        not {"red", "blue"}.isdisjoint(it.attributes["color"]) and it.price is not None and it.price < 25
    ),
    "price 10 TO 20 OR category = 'Shop > Shoes'": lambda it: (
        (it.price is not None and 10 <= it.price <= 20) or len(it.category) == 2
    ),
    "NOT (category = Shop AND price >= 5)": lambda it: not it.category or it.price is None or it.price < 5,
    "width > 3": lambda it: any(float(width) > 3 for width in it.attributes["width"]),
    "width = 2 AND color != green": lambda it: (
        "2" in it.attributes["width"] and "green" not in it.attributes["color"]
    ),
    "id = p3": lambda it: it.id == "p3",
    "nothing != x": lambda it: True,
}


def assert_says_what_the_products_say(catalog: Catalog, there: dict[str, Product]) -> None:
    for expression, holds in SAID.items():
        found = catalog.by_keys(catalog.matching(tree_of(expression)).keys)
        passing = {each.product.id for each in found.values()}
        assert passing == {it.id for it in there.values() if holds(it)}, expression


@pytest.mark.parametrize("seed", range(3))
def test_filters_say_what_the_products_say_after_any_writes_and_removals(
    url: str, shop: Catalog, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So few keys a chunk that every write meets several, and turns lists into bitmaps and back.
    monkeypatch.setattr(chunks, "KEYS_A_CHUNK", 64)
    monkeypatch.setattr(chunks, "NUMBERS_A_CHUNK", 8)
    generator = np.random.default_rng(seed)
    # What another process would have: connections and remembered sets of its own.
    other_store = CatalogStore.open(url)
    other = other_store.catalog("shop")
    there: dict[str, Product] = {}
    for _ in range(12):
        names = [f"p{number}" for number in generator.integers(0, 60, generator.integers(0, 30))]
        rows = {name: drawn(generator, name) for name in names}
        writer = (shop, other)[generator.integers(2)]
        writer.write(list(rows.values()))
        there |= {name: each.product for name, each in rows.items()}
        gone = [f"p{number}" for number in generator.integers(0, 60, generator.integers(0, 12))]
        writer.remove(gone)
        for name in gone:
            there.pop(name, None)

        assert_says_what_the_products_say(shop, there)
        assert_says_what_the_products_say(other, there)
    other_store.close()


def test_a_filter_comes_to_the_same_object_until_the_catalog_changes(shop: Catalog) -> None:
    shop.write([row("a", attributes={"color": ("red",)})])
    tree = tree_of("color = red AND NOT price > 3")

    before = shop.matching(tree)

    assert shop.matching(tree_of("color = red AND NOT price > 3")) is before
    shop.write([row("b", attributes={"color": ("red",)})])
    assert len(shop.matching(tree)) == 2
    assert len(before) == 1


def test_catalogs_of_one_store_pass_products_of_their_own_only(store: CatalogStore) -> None:
    one, two = (store.create(name, index_fields=()) for name in ("one", "two"))
    one.write([row("a", price=3.0, attributes={"color": ("red",)})])
    two.write([row("b", price=3.0, attributes={"color": ("red",)})])

    for expression in ("color = red", "price = 3", "color != blue"):
        keys = [set(each.matching(tree_of(expression)).keys.tolist()) for each in (one, two)]
        assert [len(each) for each in keys] == [1, 1]
        assert keys[0].isdisjoint(keys[1])


def test_a_catalog_made_anew_passes_nothing_of_the_old_one(store: CatalogStore) -> None:
    old = store.create("toys", index_fields=())
    old.write([row("a", price=3.0, attributes={"color": ("red",)})])
    assert len(old.matching(tree_of("color = red"))) == 1

    store.remove("toys")
    anew = store.create("toys", index_fields=())
    anew.write([row("b", price=3.0)])

    assert len(anew.matching(tree_of("color = red"))) == 0
    assert len(anew.matching(tree_of("price = 3"))) == 1
    with pytest.raises(UnknownCatalog):
        old.matching(tree_of("color = red"))


def test_threads_ask_while_others_write_and_see_whole_writes(shop: Catalog) -> None:
    pairs = tree_of("color = red AND price = 1"), tree_of("color = red"), tree_of("price = 1")
    done = threading.Event()

    def write() -> None:
        for number in range(30):
            shop.write([row(f"{number}-{i}", price=1.0, attributes={"color": ("red",)}) for i in range(5)])
        done.set()

    def ask() -> int:
        asked = 0
        while not done.is_set() or not asked:
            sizes = [len(shop.matching(tree)) for tree in pairs]
            # Each is asked a moment later than the one before.
            assert sizes == sorted(sizes)
            assert all(size % 5 == 0 for size in sizes)
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        pool.submit(write).result()
        assert all(each.result() for each in asking)
    assert len(shop.matching(pairs[0])) == 150


def test_sets_are_remembered_within_their_bytes_and_the_oldest_go_first() -> None:
    kept = KeptSets(max_bytes=30_000)
    trees = [Compare("color", "=", str(number)) for number in range(10)]
    sets = [KeySet.of(np.arange(number, 40_000, 2)) for number in range(10)]
    for tree, each in zip(trees, sets, strict=True):
        assert kept.kept_or(7, tree, each) is each
        assert kept.get(7, tree) is each

    assert [kept.get(7, tree) is not None for tree in trees] == [False] * 5 + [True] * 5


def test_a_set_that_grew_makes_room_for_itself() -> None:
    kept = KeptSets(max_bytes=30_000)
    trees = [Compare("color", "=", str(number)) for number in range(3)]
    for tree in trees:
        kept.kept_or(7, tree, KeySet.of(np.arange(0, 40_000, 2)))
    grown = kept.get(7, trees[2])

    assert grown is not None
    assert len(grown.keys) == 20_000
    assert kept.get(7, trees[2]) is grown
    assert kept.get(7, trees[0]) is kept.get(7, trees[1]) is None


def test_what_is_remembered_is_of_the_newest_revision() -> None:
    kept = KeptSets()
    tree = Compare("color", "=", "red")
    old, new = KeySet.of(np.array([1])), KeySet.of(np.array([2]))

    kept.kept_or(8, tree, new)

    assert kept.kept_or(7, tree, old) is old
    assert kept.get(7, tree) is None
    assert kept.get(8, tree) is new
    assert kept.get(9, tree) is None
