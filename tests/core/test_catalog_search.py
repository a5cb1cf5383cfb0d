"""What the catalog finds: words by BM25, filters, facets."""

from __future__ import annotations

import numpy as np
import pytest

from core.catalog import Catalog, CatalogRow, PriceRange
from core.catalog.facets import price_edges
from core.filters import Compare, parse_filter
from core.key_set import KeySet
from core.language.terms import ProductTerms
from core.types import Product


def words(shop: Catalog, **strong: str) -> None:
    """Stores a product for each name, whose words are strong up to a slash and weak behind it."""
    rows = []
    for product_id, text in strong.items():
        before, _, behind = text.partition("/")
        terms = ProductTerms(frozenset(before.split()), frozenset(behind.split()))
        rows.append(CatalogRow(Product(product_id), terms, "r"))
    shop.write(rows)


def found(shop: Catalog, *tokens: str, limit: int = 10, among: KeySet | None = None) -> list[str]:
    products = shop.by_keys([key for key, _ in shop.lexical(tokens, limit, among=among)])
    return [each.product.id for each in products.values()]


def test_a_word_in_the_title_weighs_more_than_one_in_the_description(shop: Catalog) -> None:
    words(shop, described="shoe wide / red", titled="shoe red / wide", neither="shoe / wide")

    assert found(shop, "red") == ["titled", "described"]


def test_rare_words_weigh_more_than_common_ones_and_more_words_more_than_one(shop: Catalog) -> None:
    words(
        shop, a="shoe red", b="shoe wool", c="shoe red wool", d="shoe red", e="bag", f="bag", g="bag", h="hat"
    )

    assert found(shop, "red", "wool") == ["c", "b", "a", "d"]


def test_relevance_is_positive_and_ties_are_broken_by_key(shop: Catalog) -> None:
    words(shop, a="red", b="red", c="red")

    hits = shop.lexical(["red"], 2)

    assert [key for key, _ in hits] == [1, 2]
    assert all(relevance > 0 for _, relevance in hits)


def test_two_character_chinese_words_and_bigrams_are_found(shop: Catalog) -> None:
    words(shop, hanfu="粉 色 粉色 襦 裙 襦裙 汉服", coat="羽 绒 服 羽绒 绒服", other="bag")

    assert found(shop, "襦裙") == ["hanfu"]
    assert found(shop, "羽绒") == ["coat"]
    assert found(shop, "绒") == ["coat"]
    assert found(shop, "裙带") == []


def test_tokens_are_whole_whatever_stands_in_them(shop: Catalog) -> None:
    words(shop, pink="color:light-pink", c="c++ v1.5 a_b 50%", quoted="5\" o'neill", dash="t-shirt")

    assert found(shop, "color:light-pink") == ["pink"]
    assert found(shop, "color:light") == []
    assert found(shop, "c++") == ["c"]
    assert found(shop, "c") == []
    assert found(shop, "1.5") == []
    assert found(shop, '5"') == ["quoted"]
    assert found(shop, "o'neill") == ["quoted"]
    assert found(shop, "t-shirt") == ["dash"]
    assert found(shop, "shirt") == []


@pytest.mark.parametrize(
    "token",
    ['"', '""', "'", "*", "red*", "^red", "strong:red", "{strong}", "NEAR(red shoe)", "red AND shoe", "NOT", "-",
     "(", ")", "+", "\\", "\0", "red\0", "\ud800", " ", "", ";DROP TABLE product", "%", "a" * 10_000],
)  # fmt: skip
def test_no_token_is_read_as_an_operator(shop: Catalog, token: str) -> None:
    words(shop, a="red shoe")

    assert found(shop, token) == (["a"] if token == "red\0" else [])
    assert found(shop, token, "shoe") == ["a"]


def test_a_hundred_and_more_tokens_are_one_search(shop: Catalog) -> None:
    words(shop, **{f"p{i}": f"word{i} red" for i in range(300)})

    assert len(found(shop, *(f"word{i}" for i in range(250)), limit=500)) == 250


def test_common_words_give_way_to_rare_ones_beyond_the_budget(
    shop: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.catalog.bm25.BUDGET", 5)
    words(shop, a="wool black", b="wool", **{f"p{i}": "black" for i in range(20)})

    assert found(shop, "wool", "black") == ["b", "a"]
    assert found(shop, "black", "nowhere")[0] == "p0"


def test_words_are_sought_among_the_given_products_only(shop: Catalog) -> None:
    words(shop, a="red", b="red shoe", c="red")
    among = KeySet.of(np.array(list(shop.keys_of(["b", "c"]).values())))

    assert found(shop, "red", among=among) == ["c", "b"]
    assert found(shop, "red", among=among, limit=1) == ["c"]
    assert found(shop, "red", among=KeySet.of(np.array([], np.int64))) == []
    assert found(shop, "red", among=KeySet.of(np.arange(100_000))) == found(shop, "red")


CLOTHES = [
    Product(
        "hoodie",
        category=("Women", "Tops"),
        price=20.0,
        attributes={"color": ("Pink", "Black"), "size": ("XL",)},
    ),
    Product(
        "shirt",
        category=("Women", "Tops", "Shirts"),
        price=10.0,
        attributes={"color": ("pink",), "brand": ("Acme Co",)},
    ),
    Product(
        "jeans",
        category=("Men", "Tops"),
        price=80.0,
        currency="EUR",
        attributes={"waist": ("32", "34"), "颜色": ("蓝色",)},
    ),
    Product("gift"),
]


@pytest.fixture
def clothes(shop: Catalog) -> Catalog:
    shop.write([CatalogRow(each, ProductTerms(frozenset(), frozenset()), "r") for each in CLOTHES])
    return shop


@pytest.mark.parametrize(
    ("expression", "passing"),
    [
        ("color = PINK", "hoodie shirt"),
        ("color = ｐｉｎｋ", "hoodie shirt"),
        ("Color = black", "hoodie"),
        ("color IN (black, green)", "hoodie"),
        ("color != pink", "jeans gift"),
        ("NOT size = XL", "shirt jeans gift"),
        ("price < 20", "shirt"),
        ("price <= 20", "hoodie shirt"),
        ("price > 10 AND price < 80", "hoodie"),
        ("price 10 TO 20", "hoodie shirt"),
        ("price = 80.0", "jeans"),
        ("NOT price > 10", "shirt gift"),
        ("price = cheap", ""),
        ("waist >= 30", "jeans"),
        ("waist 33 TO 40", "jeans"),
        ("waist 32.5 TO 33.5", ""),
        ("color > 3", ""),
        ("currency = eur", "jeans"),
        ("颜色 = 蓝色", "jeans"),
        ("brand = Acme Co", "shirt"),
        ('category = "women"', "hoodie shirt"),
        ('category = "Women>Tops"', "hoodie shirt"),
        ('category = "Women > Tops > Shirts"', "shirt"),
        ("category = Tops", ""),
        ("id = gift", "gift"),
        ("id != gift", "hoodie shirt jeans"),
        ("nothing = x", ""),
        ("nothing != x", "hoodie shirt jeans gift"),
        ("NOT (color = pink OR price > 50)", "gift"),
        ("color = '\ud800'", ""),
    ],
)
def test_a_filter_passes_what_it_says(clothes: Catalog, expression: str, passing: str) -> None:
    tree = parse_filter(expression)

    assert tree is not None
    products = clothes.by_keys(clothes.matching(tree).keys)
    assert [each.product.id for each in products.values()] == passing.split()


def test_the_widest_filter_that_can_be_written_is_answered(clothes: Catalog) -> None:
    widest = parse_filter(" OR ".join(f"(a{i} = {i} AND NOT b{i} > {i})" for i in range(100)))

    assert widest is not None
    assert len(clothes.matching(widest)) == 0


def test_facets_count_the_given_products(clothes: Catalog) -> None:
    keys = np.array(sorted(clothes.keys_of(["hoodie", "shirt", "jeans"]).values()))

    assert clothes.facets(keys, ["color", "category", "category.lvl0", "none"]) == {
        "color": {"Pink": 2, "Black": 1},
        "category": {"Women": 2, "Women > Tops": 2, "Men": 1, "Men > Tops": 1, "Women > Tops > Shirts": 1},
        "category.lvl0": {"Women": 2, "Men": 1},
        "none": {},
    }
    assert clothes.facets(keys[:0], ["color", "price"]) == {"color": {}, "price": {}}
    assert clothes.price_range(keys) == PriceRange(10.0, 80.0)
    assert clothes.price_range(keys[:0]) is None


def test_a_price_range_finds_as_many_as_its_facet_counts(clothes: Catalog) -> None:
    keys = np.array(sorted(clothes.keys_of([each.id for each in CLOTHES]).values()))

    counted = clothes.facets(keys, ["price"])["price"]

    for label, products in counted.items():
        tree = parse_filter(f"price {label}")
        assert tree is not None
        assert len(clothes.matching(tree)) == products
    assert sum(counted.values()) >= 3


@pytest.mark.parametrize(
    ("lowest", "highest"),
    [(0.0, 0.0), (5.0, 5.0), (0.0, 1e7), (9.99, 12.5), (0.01, 1e6), (99.0, 101.0), (1e-7, 1e9)],
)
def test_price_edges_are_few_and_enclose_the_prices(lowest: float, highest: float) -> None:
    edges = price_edges(lowest, highest)

    assert edges[0] <= lowest
    assert highest <= edges[-1]
    assert edges == sorted(set(edges))
    assert 2 <= len(edges) <= 60


def test_large_key_sets_are_answered(clothes: Catalog) -> None:
    keys = np.arange(200_000)

    assert len(clothes.by_keys(keys)) == 4
    assert clothes.facets(keys, ["size"]) == {"size": {"XL": 1}}


def test_endless_words_and_names_are_stored_and_harm_nobody(shop: Catalog) -> None:
    endless = "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(5_000))
    clear = Product("endless", attributes={endless: ("v",), "color": ("red", endless)})
    shop.write([CatalogRow(clear, ProductTerms(frozenset({endless, "plain"}), frozenset({endless})), "r")])

    assert found(shop, "plain") == found(shop, endless) == ["endless"]
    assert shop.get("endless").product == clear
    assert len(shop.matching(Compare("color", "=", "red"))) == 1

    shop.remove(["endless"])

    assert shop.document_frequencies([endless, "plain"]) == {endless: 0, "plain": 0}
