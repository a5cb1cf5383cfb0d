"""The lite judge inside a search, with its real models and a shop that is small enough to know the right order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalog import CatalogStore
from core.encoder import load_encoder
from core.language import Language
from core.settings import Settings
from core.types import Band, Hit, Query, Score
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.report import IngestOptions, Workbench
from rerank.lite import LiteReranker
from search.engine import SearchEngine
from search.judging import Judging

PRODUCTS = (
    ("printed", "浅粉色齐胸襦裙 印花蝴蝶 女 夏季"),
    ("embroidered", "浅粉色齐胸襦裙 刺绣蝴蝶 女 夏季"),
    ("purple", "紫色齐胸襦裙 刺绣蝴蝶 女 夏季"),
    ("hoodie", "男士黑色连帽卫衣"),
    ("shirt", "浅粉色衬衫 女"),
    ("fan", "浅粉色团扇 刺绣蝴蝶"),
)
WANTED = "浅粉色齐胸襦裙,带刺绣蝴蝶"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, language: Language) -> Iterator[SearchEngine]:
    data = tmp_path_factory.mktemp("hanfu")
    feed = data / "feed.tsv"
    feed.write_text("id\ttitle\n" + "\n".join("\t".join(each) for each in PRODUCTS), encoding="utf-8")
    settings = Settings(data=Path(data))
    store, encoder = CatalogStore.open(settings.url), load_encoder(settings, language)
    ingest(open_feed(feed), Workbench(store, encoder, language, data), IngestOptions())
    judge = LiteReranker.load(encoder, language)
    yield SearchEngine(store, encoder, language, data=data, reranker=judge)
    store.close()


def hits(engine: SearchEngine, text: str, **fields: object) -> dict[str, Hit]:
    query = Query(text=text, **fields)  # type: ignore[arg-type]
    answer = engine.search(query, "products", Judging(budget_ms=None))
    assert answer.rerank.status == "full"
    return {hit.candidate.product.id: hit for hit in answer.hits}


def score(hit: Hit) -> Score:
    assert hit.score is not None
    return hit.score


def test_the_embroidered_one_comes_first_and_green_and_what_is_wrong_is_red(engine: SearchEngine) -> None:
    found = hits(engine, WANTED)

    assert next(iter(found)) == "embroidered"
    assert score(found["embroidered"]).band is Band.HIGH
    assert score(found["printed"]).relevance < score(found["embroidered"]).relevance - 0.2
    for wrong in ("purple", "hoodie", "shirt"):
        assert score(found[wrong]).band is Band.LOW


def test_each_hit_says_which_wishes_it_grants(engine: SearchEngine) -> None:
    checks = {each.wanted: each.holds for each in score(hits(engine, WANTED)["printed"]).checks}

    assert checks["刺绣"] is False
    assert checks["浅粉"] is True


def test_what_is_refused_comes_last_of_its_kind_and_is_red(engine: SearchEngine) -> None:
    found = hits(engine, "齐胸襦裙 不要印花")

    assert score(found["printed"]).band is Band.LOW
    assert score(found["printed"]).relevance < score(found["embroidered"]).relevance


def test_a_score_is_the_same_the_next_time_and_however_many_are_judged(engine: SearchEngine) -> None:
    first, again = hits(engine, WANTED), hits(engine, WANTED)
    few = engine.search(Query(text=WANTED), "products", Judging(depth=2, budget_ms=None))

    assert {key: hit.score for key, hit in first.items()} == {key: hit.score for key, hit in again.items()}
    for hit in few.hits[:2]:
        assert hit.score == first[hit.candidate.product.id].score
