"""A shop on the open_clip encoder: ingested, searched by words and pictures, judged, without anything made up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalog import CatalogStore
from core.encoder import ColourReadingEncoder
from core.images import ENCODER_SIDE, decode
from core.language import Language
from core.settings import Settings
from core.types import Hit, Query
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.report import IngestOptions, Workbench
from rerank.loading import load_reranker
from search.engine import SearchEngine
from search.judging import Judging
from tests.models.open_clip_models import encoder_of, tiny

DEMO = Path(__file__).resolve().parents[2] / "indexer" / "demo"
CATALOG = "products"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchEngine]:
    """The first products of the demo shop, of which the last one has words alone."""
    data, language = tmp_path_factory.mktemp("shop"), Language.load()
    shop = Path(shutil.copytree(DEMO, data / "feed"))
    with (shop / "products.jsonl").open("a", encoding="utf-8") as feed:
        feed.write('{"id": "words", "title": "plain words without a picture"}\n')
    checkpoint = tiny(data / "model")
    settings = Settings(profile="clip", data=data, open_clip_model=str(checkpoint), device="cpu")
    encoder = encoder_of(checkpoint, data)
    store = CatalogStore.open(settings.url)
    report = ingest(
        open_feed(shop / "products.jsonl"), Workbench(store, encoder, language, data), IngestOptions()
    )
    assert report.stored > 50
    assert report.rejected == 0
    yield SearchEngine(
        store, encoder, language, data=data, reranker=load_reranker(settings, encoder, language)
    )
    store.close()


def found(engine: SearchEngine, query: Query) -> list[Hit]:
    answer = engine.search(query, CATALOG, Judging(budget_ms=None))
    assert answer.rerank.status == "full"
    for hit in answer.hits:
        assert -1.001 <= hit.candidate.similarity <= 1.001
        assert hit.score is not None
        assert 0 <= hit.score.relevance <= 1
    return list(answer.hits)


def pictured(engine: SearchEngine) -> tuple[str, bytes]:
    """A product with a picture, and the picture."""
    for product in engine.store.catalog(CATALOG).export():
        stored = engine.product(product.id, CATALOG)
        if stored.picture_hashes:
            return product.id, engine.pictures.read(stored.picture_hashes[0])
    raise AssertionError


def test_the_same_picture_is_found_first(engine: SearchEngine) -> None:
    product_id, picture = pictured(engine)

    hits = found(engine, Query(image=decode(picture, source="photo", at_least=ENCODER_SIDE), limit=5))

    assert hits[0].candidate.product.id == product_id
    assert hits[0].candidate.similarity == pytest.approx(1, abs=0.002)


@pytest.mark.parametrize("text", ["camera", "a red running shoe", "花", "words without a picture"])
def test_words_find_and_are_judged(engine: SearchEngine, text: str) -> None:
    assert found(engine, Query(text=text, limit=10))


def test_words_and_a_picture_together_find_and_are_judged(engine: SearchEngine) -> None:
    picture = decode(pictured(engine)[1], source="photo", at_least=ENCODER_SIDE)

    assert found(engine, Query(text="the same one in blue", image=picture, limit=10))


def test_what_looks_like_a_product_is_found(engine: SearchEngine) -> None:
    assert engine.similar(pictured(engine)[0], CATALOG, 5).hits


def test_no_colour_is_claimed_of_a_picture_whose_colours_nobody_told(engine: SearchEngine) -> None:
    named = {hit.candidate.product.id: hit for hit in found(engine, Query(text="purple thing", limit=50))}

    assert not isinstance(engine.encoder, ColourReadingEncoder)
    for hit in named.values():
        assert hit.score is not None
        product = hit.candidate.product
        said = f"{product.title} {product.description} {product.attributes}".lower()
        for check in hit.score.checks:
            if check.attribute == "color" and check.holds is not None:
                assert "purple" in said or any(word in said for word in ("color", "colour", "black", "white"))
