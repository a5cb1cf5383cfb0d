"""How well each hit fits, as the search page says it."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from core.settings import Settings
from rerank.judgement import Reranker
from tests.markup import find, parsed, texts
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge


def seen(shop: Shop, path: str, reranker: Reranker | None) -> Element:
    """A page of the coloured shop, judged so."""
    coloured_shop(shop)
    with TestClient(create_app(Settings(data=shop.data), shop.engine(reranker))) as client:
        answer = client.get(path)
    assert answer.status_code == 200
    return parsed(answer.text)


def test_a_hit_says_in_words_and_in_colour_how_well_it_fits(shop: Shop) -> None:
    page = seen(shop, "/?q=red+shoe", WordJudge())

    assert texts(page, ".card .score")[:2] == ["fits 1.00", "may fit 0.50"]
    assert find(page, ".card .score")[0].get("class") == "score high"
    assert texts(find(page, ".card")[0], ".check") == ["red holds", "shoe holds"]


def test_a_reader_of_chinese_gets_the_words_in_chinese(shop: Shop) -> None:
    page = seen(shop, "/?q=red+shoe&lang=zh", WordJudge())

    assert texts(page, ".card .score")[0] == "相符 1.00"
    assert texts(page, ".options a") == ["隐藏不符的商品"]


def test_what_does_not_fit_can_be_hidden_and_is_counted(shop: Shop) -> None:
    page = seen(shop, "/?q=red+shoe", WordJudge())
    assert len(find(page, ".card")) == 6
    (hide,) = find(page, ".options a")
    assert hide.get("href") == "/?q=red+shoe&min_band=medium"

    page = seen(shop, "/?q=red+shoe&min_band=medium", WordJudge())

    assert len(find(page, ".card")) == 4
    assert texts(page, ".options span")[0] == "2 hidden that don't fit · Show everything"
    assert find(page, ".options a")[0].get("href") == "/?q=red+shoe"
    assert find(page, "form input[name=min_band]")[0].get("value") == "medium"


def test_where_everything_is_hidden_the_page_says_so_and_leads_out(shop: Shop) -> None:
    page = seen(shop, "/?q=zzyzx+quux+red&min_band=high", WordJudge())

    assert texts(page, ".empty h1") == ["Nothing here fits well enough."]
    assert find(page, ".empty a")[0].get("href") == "/?q=zzyzx+quux+red"


@pytest.mark.parametrize("band", ["low", "nonsense", ""])
def test_a_band_that_hides_nothing_is_left_out_of_the_address(shop: Shop, band: str) -> None:
    page = seen(shop, f"/?q=red+shoe&min_band={band}", WordJudge())

    assert find(page, "form input[name=min_band]") == []
    assert len(find(page, ".card")) == 6


def test_a_judging_that_came_half_way_is_said_to_have(shop: Shop) -> None:
    page = seen(shop, "/?q=red+shoe", WordJudge(micro_batch=2, fails_after=4))

    assert texts(page, ".stage") == [
        "4 of 6 were judged; the others follow in the first stage's order. (reranker words@1: it is out of memory)"
    ]
    assert len(find(page, ".card .score")) == 4


def test_a_judge_that_fails_leaves_recalls_order_and_the_page_says_so(shop: Shop) -> None:
    page = seen(shop, "/?q=red+shoe", WordJudge(fails_after=0))

    assert texts(page, ".stage")[0].startswith(
        "The judge could not be asked; this is the first stage's order."
    )
    assert texts(page, ".card h2")[0] == "red shoe"
    assert find(page, ".card .score") == []


def test_without_a_judge_the_page_is_the_one_it_was(shop: Shop) -> None:
    page = seen(shop, "/?q=red+shoe", None)

    assert find(page, ".score, .stage, .options a") == []
