"""What a shopper gets for words, for a picture, and for both."""

from __future__ import annotations

import time

import numpy as np
import pytest

from core.errors import InvalidFilter, InvalidQuery, UnknownCatalog, UnknownProduct
from core.types import Pixels, Query
from search.answer import Answer
from search.engine import SearchEngine
from search.live import CHECK_EVERY_SECONDS
from tests.shops import Shop, coloured_shop, product


def ids(answer: Answer) -> list[str]:
    return [hit.candidate.product.id for hit in answer.hits]


def plain(red: int, green: int, blue: int) -> Pixels:
    return np.full((32, 32, 3), (red, green, blue), dtype=np.uint8)


@pytest.fixture
def engine(shop: Shop) -> SearchEngine:
    return coloured_shop(shop).engine()


def test_words_find_what_has_all_of_them_first(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="red shoe", limit=3), "products")

    assert ids(answer)[0] == "red shoe"


def test_chinese_words_find_english_products(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="蓝色的鞋", limit=3), "products")

    assert ids(answer)[0] == "blue shoe"


def test_a_picture_finds_what_looks_like_it(engine: SearchEngine) -> None:
    answer = engine.search(Query(image=plain(0, 255, 0), limit=2), "products")

    assert sorted(ids(answer)) == ["green bag", "green shoe"]


def test_a_picture_with_words_finds_the_same_thing_in_another_colour(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="shoe in blue", image=plain(255, 0, 0), limit=1), "products")

    assert ids(answer) == ["blue shoe"]


def test_what_is_not_wanted_comes_last(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="shoe, not red", limit=3), "products")

    assert "red shoe" not in ids(answer)[:2]


def test_words_to_exclude_push_products_down(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="shoe", exclude=("red",), limit=2), "products")

    assert sorted(ids(answer)) == ["blue shoe", "green shoe"]


def test_a_filter_acts_in_recall_and_totals_agree(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="red", filter="price < 100", limit=10), "products")

    assert sorted(ids(answer)) == ["blue shoe", "green shoe", "red shoe"]
    assert answer.total.value == 3


def test_a_price_said_in_words_is_a_filter(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="bag under 100 dollars", limit=10), "products")

    assert all(hit.candidate.product.price == 50.0 for hit in answer.hits)


def test_a_price_that_nothing_meets_gives_way(shop: Shop) -> None:
    shop.ingest([product(shop, "red shoe", "red")])

    answer = shop.engine().search(Query(text="red shoe under 100 dollars"), "products")

    assert ids(answer) == ["red shoe"]


def test_pages_continue_one_window_without_gaps_or_repeats(engine: SearchEngine) -> None:
    first = engine.search(Query(text="shoe", limit=4), "products")
    second = engine.search(Query(text="shoe", limit=4, cursor=first.cursor), "products")

    assert sorted(ids(first) + ids(second)) == sorted(
        f"{colour} {thing}" for colour in ("red", "green", "blue") for thing in ("shoe", "bag")
    )
    assert second.cursor is None
    assert [hit.rank for hit in second.hits] == [5, 6]


def test_a_further_page_of_a_remembered_window_encodes_nothing(shop: Shop) -> None:
    engine = coloured_shop(shop).engine()
    first = engine.search(Query(text="shoe", image=plain(255, 0, 0), limit=2), "products")
    before = shop.encoder.texts_encoded, shop.encoder.pictures_encoded

    again = Query(text="shoe", image=plain(255, 0, 0), limit=2, cursor=first.cursor)
    second = engine.search(again, "products")

    assert [hit.rank for hit in second.hits] == [3, 4]
    assert (shop.encoder.texts_encoded, shop.encoder.pictures_encoded) == before


def test_prices_sort_what_fits_and_the_rest_follows(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="red", sort="price_desc", limit=6), "products")

    assert ids(answer)[:2] == ["red bag", "red shoe"]
    assert [hit.candidate.product.price for hit in answer.hits[:2]] == [120.0, 50.0]


def test_facets_are_counted_over_the_window(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="red", filter="price < 100", facets=("color",)), "products")

    assert answer.facets == {"color": {"blue": 1, "green": 1, "red": 1}}


def test_more_like_this_leaves_the_product_itself_out(engine: SearchEngine) -> None:
    answer = engine.similar("red shoe", "products", 2)

    assert ids(answer)[0] == "red bag"
    assert "red shoe" not in ids(answer)


def test_a_running_engine_sees_added_changed_and_removed_products(shop: Shop) -> None:
    engine = coloured_shop(shop).engine()
    engine.search(Query(text="red"), "products")

    shop.ingest([product(shop, "pink hat", "pink"), product(shop, "red shoe", "blue")], prune=True)
    time.sleep(CHECK_EVERY_SECONDS + 0.1)
    answer = engine.search(Query(image=plain(0, 0, 255)), "products")

    assert ids(answer) == ["red shoe", "pink hat"]


def test_a_catalog_that_is_removed_and_made_anew_is_served_anew(shop: Shop) -> None:
    engine = coloured_shop(shop).engine()
    engine.search(Query(text="red"), "products")

    shop.store.remove("products")
    shop.ingest([product(shop, "pink hat", "pink")])
    time.sleep(CHECK_EVERY_SECONDS + 0.1)

    assert ids(engine.search(Query(text="hat"), "products")) == ["pink hat"]


def test_a_cursor_of_one_catalog_shows_nothing_of_another(shop: Shop) -> None:
    engine = coloured_shop(shop).engine()
    shop.ingest([product(shop, "pink hat", "pink")], catalog="hats")
    cursor = engine.search(Query(text="shoe", limit=2), "products").cursor

    assert ids(engine.search(Query(text="shoe", limit=2, cursor=cursor), "hats")) == []


def test_an_index_that_is_gone_is_rebuilt_from_the_rows(shop: Shop) -> None:
    coloured_shop(shop)
    for file in (shop.data / "index").rglob("*"):
        if file.is_file():
            file.unlink()

    answer = shop.engine().search(Query(image=plain(255, 0, 0), limit=2), "products")

    assert sorted(ids(answer)) == ["red bag", "red shoe"]


def test_an_index_with_a_flipped_byte_is_rebuilt_from_the_rows(shop: Shop) -> None:
    coloured_shop(shop)
    for file in (shop.data / "index").rglob("*.npy"):
        content = bytearray(file.read_bytes())
        content[-1] ^= 0xFF
        file.write_bytes(content)

    answer = shop.engine().search(Query(image=plain(255, 0, 0), limit=2), "products")

    assert sorted(ids(answer)) == ["red bag", "red shoe"]


def test_until_a_judge_exists_the_answer_says_that_none_has_judged(engine: SearchEngine) -> None:
    answer = engine.search(Query(text="red shoe"), "products")

    assert answer.rerank.status == "skipped"
    assert all(hit.score is None for hit in answer.hits)


def test_the_same_query_gets_the_same_order_each_time(engine: SearchEngine) -> None:
    answers = [ids(engine.search(Query(text="shoe"), "products")) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (lambda: Query(), InvalidQuery),
        (lambda: Query(text="  "), InvalidQuery),
        (lambda: Query(text="x" * 2_001), InvalidQuery),
        (lambda: Query(text="x", limit=0), InvalidQuery),
        (lambda: Query(text="x", limit=1_001), InvalidQuery),
        (lambda: Query(text="x", sort="colour"), InvalidQuery),
        (lambda: Query(text="x", cursor="!!!"), InvalidQuery),
        (lambda: Query(text="x", filter="price <"), InvalidFilter),
        (lambda: Query(like=("nobody",)), UnknownProduct),
    ],
)
def test_what_can_not_be_answered_is_refused_by_name(
    engine: SearchEngine, query: object, error: type[Exception]
) -> None:
    assert callable(query)

    with pytest.raises(error):
        engine.search(query(), "products")


def test_an_unknown_catalog_is_refused_with_the_known_ones(engine: SearchEngine) -> None:
    with pytest.raises(UnknownCatalog, match="products"):
        engine.search(Query(text="x"), "nowhere")
