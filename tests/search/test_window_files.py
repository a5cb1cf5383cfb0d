"""Processes of one server find each other's windows, so that a further page continues the answer that it came from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.types import Query
from rerank.judgement import Reranker
from search import window_files
from search.engine import SearchEngine
from search.window_files import WindowFiles
from search.windows import Windows
from tests.shops import Shop, coloured_shop, product
from tests.word_judge import WordJudge

QUERY = Query(text="red shoe", limit=2)


def engine(shop: Shop, folder: Path, judge: Reranker | None = None) -> SearchEngine:
    """An engine as another process has it."""
    folder.mkdir(exist_ok=True)
    windows = Windows(files=WindowFiles(folder, kept=3))
    return SearchEngine(
        shop.store, shop.encoder, shop.language, data=shop.data, reranker=judge, windows=windows
    )


def test_another_process_continues_the_very_answer_after_the_catalog_has_changed(shop: Shop) -> None:
    coloured_shop(shop)
    one, other = (engine(shop, shop.data / "windows", WordJudge()) for _ in range(2))
    first = one.search(QUERY, "products")
    shop.ingest([product(shop, f"red shoe {number}", "red") for number in range(5)])
    asked = replace(QUERY, cursor=first.cursor)

    continued, own = other.search(asked, "products"), one.search(asked, "products")
    assert continued.hits == own.hits
    assert continued.hits[0].score is not None
    assert (continued.total, continued.rerank, continued.cursor) == (own.total, own.rerank, own.cursor)
    assert not {hit.candidate.product.id for hit in continued.hits} & {f"red shoe {n}" for n in range(5)}


def test_a_window_that_nobody_has_kept_is_searched_anew(shop: Shop) -> None:
    coloured_shop(shop)
    first = engine(shop, shop.data / "windows").search(QUERY, "products")

    elsewhere = engine(shop, shop.data / "others").search(replace(QUERY, cursor=first.cursor), "products")
    assert [hit.rank for hit in elsewhere.hits] == [3, 4]


def test_searches_go_on_where_no_window_can_be_kept(shop: Shop) -> None:
    coloured_shop(shop)
    folder = shop.data / "windows"
    searching = engine(shop, folder)
    folder.rmdir()

    assert len(searching.search(QUERY, "products").hits) == 2


def test_the_oldest_windows_go(shop: Shop) -> None:
    coloured_shop(shop)
    folder = shop.data / "windows"
    searching = engine(shop, folder)

    for _ in range(window_files._TRIMMED_EVERY):
        searching.search(QUERY, "products")
    assert len(list(folder.iterdir())) == 3
