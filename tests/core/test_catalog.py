"""The catalog keeps what it is given: products, pictures, words, vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.catalog import Catalog, CatalogCounts, CatalogRow, CatalogStore, VectorRow, WriteCounts
from core.errors import UnknownCatalog, UnknownProduct
from core.language.terms import ProductTerms
from core.types import Channel, Product

SHOE = Product(
    "shoe-1",
    title="Red shoe",
    titles={"zh": "红色鞋"},
    description="A shoe that is red.",
    category=("Women", "Shoes"),
    price=49.5,
    currency="EUR",
    attributes={"color": ("Red", "White"), "brand": ("Acme Co",)},
    pictures=("shoe-1.jpg", "shoe-1-back.jpg"),
    link="https://shop.example/shoe-1",
)
RED = np.array([1.0, 0.0, 0.0], np.float32)
GREEN = np.array([0.0, 1.0, 0.0], np.float32)


def row(product: Product, **more: object) -> CatalogRow:
    made = CatalogRow(
        product, ProductTerms(frozenset(product.title.lower().split()), frozenset()), "row-hash"
    )
    return replace(made, **more)  # type: ignore[arg-type]


def plain(*ids: str) -> list[CatalogRow]:
    return [row(Product(product_id, title=product_id)) for product_id in ids]


def ids(shop: Catalog) -> list[str]:
    return [product.id for product in shop.export()]


def test_a_product_comes_back_as_it_went_in(shop: Catalog) -> None:
    terms = ProductTerms(frozenset({"red", "shoe", "color:red", "鞋"}), frozenset({"that"}))
    shop.write([CatalogRow(SHOE, terms, "r1", ("p1", "p2"), "t1")])

    stored = shop.get("shoe-1")

    assert stored.product == SHOE
    assert (stored.strong, stored.weak) == (terms.strong, terms.weak)
    assert (stored.picture_hashes, stored.text_hash, stored.row_hash) == (("p1", "p2"), "t1", "r1")
    assert shop.by_keys([stored.key]) == {stored.key: stored}
    assert shop.terms([stored.key], terms.strong | terms.weak) == {stored.key: terms}


def test_products_are_asked_for_the_tokens_that_matter(shop: Catalog) -> None:
    shop.write(
        [
            CatalogRow(
                SHOE, ProductTerms(frozenset({"red", "shoe"}), frozenset({"that", "shoe"})), "r1", (), "t1"
            )
        ]
    )
    key = shop.get("shoe-1").key

    found = shop.terms([key, 99], frozenset({"shoe", "bag"}))

    assert found == {key: ProductTerms(frozenset({"shoe"}), frozenset({"shoe"}))}


def test_a_product_with_nothing_but_an_id_comes_back(shop: Catalog) -> None:
    shop.write([row(Product("bare"))])

    assert shop.get("bare").product == Product("bare")


def test_odd_text_breaks_nothing(shop: Catalog) -> None:
    odd = Product(
        "a\0b", title="\ud800 \0 \x1b ￿ 😀", attributes={"n\0\ud800": ("v\ud800",)}, price=float("nan")
    )
    shop.write([row(odd, terms=ProductTerms(frozenset({"a\0b", "\ud83d", "😀", " "}), frozenset({"\x1f"})))])

    found = shop.get("a\0b")

    assert found.product.price is None
    assert "😀" in found.product.title
    assert [key for key, _ in shop.lexical(["😀"], 5)] == [found.key]


def test_a_write_says_what_was_new_and_what_was_there(shop: Catalog) -> None:
    first = shop.write(plain("a", "b"))
    second = shop.write(plain("b", "c", "c"))

    assert first == WriteCounts(stored=2, updated=0)
    assert second == WriteCounts(stored=1, updated=1)
    assert ids(shop) == ["a", "b", "c"]


def test_a_changed_product_keeps_its_key_and_nothing_of_the_old_one(shop: Catalog) -> None:
    shop.write([row(SHOE, picture_hashes=("p1", "p2"))])
    key = shop.keys_of(["shoe-1"])["shoe-1"]
    changed = Product("shoe-1", title="Green boot", attributes={"color": ("Green",)})

    shop.write([row(changed, picture_hashes=("p3",), row_hash="r2")])

    assert shop.get("shoe-1").key == key
    assert shop.get("shoe-1").picture_hashes == ("p3",)
    assert shop.row_hashes(["shoe-1", "none"]) == {"shoe-1": "r2"}
    assert shop.lexical(["red"], 5) == []
    assert [found for found, _ in shop.lexical(["green"], 5)] == [key]
    assert shop.facets(np.array([key]), ["color"]) == {"color": {"Green": 1}}
    assert shop.document_frequencies(["red", "green"]) == {"red": 0, "green": 1}


def test_catalogs_are_apart(store: CatalogStore) -> None:
    one, two = (store.create(name, index_fields=()) for name in ("one", "two"))
    one.write(plain("a"))
    two.write(plain("a", "b"))
    one.remove(["a"])

    assert (ids(one), ids(two)) == ([], ["a", "b"])
    assert store.names() == ["one", "two"]
    assert one.lexical(["a"], 5) == []
    assert len(two.lexical(["a"], 5)) == 1


def test_creating_a_catalog_again_changes_its_fields_only(store: CatalogStore) -> None:
    store.create("shop", index_fields=("title",)).write(plain("a"))

    again = store.create("shop", index_fields=("title", "description"))

    assert again.index_fields == ("title", "description")
    assert store.catalog("shop").index_fields == ("title", "description")
    assert ids(again) == ["a"]


def test_unknown_names_are_refused_by_name(store: CatalogStore, shop: Catalog) -> None:
    with pytest.raises(UnknownCatalog, match="'no'"):
        store.catalog("no")
    with pytest.raises(UnknownCatalog):
        store.remove("no")
    with pytest.raises(UnknownProduct, match="'no'"):
        shop.get("no")


def test_counts_are_of_distinct_contents(shop: Catalog) -> None:
    shop.write(
        [
            row(Product("a"), picture_hashes=("p", "q"), text_hash="t"),
            row(Product("b"), picture_hashes=("p",)),
        ]
    )

    assert shop.counts() == CatalogCounts(products=2, pictures=2, texts=1)
    shop.write(plain("a"))
    assert shop.counts() == CatalogCounts(products=2, pictures=1, texts=0)
    shop.remove(["a"])
    assert shop.size() == shop.counts().products == 1


def test_vectors_are_stored_once_for_all_catalogs(store: CatalogStore, shop: Catalog) -> None:
    other = store.create("other", index_fields=())
    shop.write([row(Product("a"), picture_hashes=("red",))], [VectorRow("red", "mean-colour", RED)])
    other.write([row(Product("b"), picture_hashes=("red",))])
    store.put_vectors([VectorRow("red", "mean-colour", GREEN), VectorRow("lone", "mean-colour", GREEN)])

    (batch,) = other.vectors(Channel.PICTURE, "mean-colour")

    assert batch.keys.tolist() == list(other.keys_of(["b"]).values())
    np.testing.assert_allclose(batch.vectors, [RED])
    assert store.known_vectors(["red", "blue"], "mean-colour") == {"red"}
    assert store.known_vectors(["red"], "another encoder") == set()
    assert store.drop_unused_vectors() == 1
    store.remove("shop")
    assert store.drop_unused_vectors() == 0
    store.remove("other")
    assert store.drop_unused_vectors() == 1


def test_vectors_come_in_key_order_with_their_features(
    shop: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.catalog.vectors.BATCH", 2)
    codes = np.array([1, -127, 5, 127], np.int8)
    rows = [row(Product(str(i)), picture_hashes=(f"p{i}", f"q{i}"), text_hash=f"t{i}") for i in range(3)]
    vectors = [VectorRow(f"{kind}{i}", "fp", RED, codes, 0.5 + i) for kind in "pqt" for i in range(3)]
    shop.write(rows, vectors)

    pictures = list(shop.vectors(Channel.PICTURE, "fp"))
    texts = list(shop.vectors(Channel.TEXT, "fp"))

    some = list(shop.vectors_of(Channel.TEXT, "fp", np.array([3, 1])))

    assert [batch.keys.tolist() for batch in some] == [[1, 3]]
    assert [len(batch) for batch in pictures] == [2, 2, 2]
    assert np.concatenate([batch.keys for batch in pictures]).tolist() == [1, 1, 2, 2, 3, 3]
    assert np.concatenate([batch.scales for batch in texts]).tolist() == [0.5, 1.5, 2.5]
    assert texts[0].vectors.dtype == np.float32
    assert texts[0].features is not None
    assert texts[0].features.tolist() == [codes.tolist()] * 2


def test_everything_can_be_read_back_in_the_order_it_came(shop: Catalog) -> None:
    products = [Product(f"p{i}", price=float(i) if i % 2 else None) for i in range(1_203)]
    shop.write([row(product) for product in products])

    assert list(shop.export()) == products
    assert [stored.product for stored in shop.stored()] == products
    assert shop.prices(np.array([1, 2, 4, 9_999])) == {2: 1.0, 4: 3.0}
