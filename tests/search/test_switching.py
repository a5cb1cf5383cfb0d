"""A running engine changes a catalog over to another encoder: no pause, no error, no answer of both, and back."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.app import create_app
from core.encoder import Encoder
from core.encoder_choice import EncoderChoice
from core.errors import EncoderProblem
from core.language import Language
from core.publishing import index_folder
from core.settings import Settings
from core.types import Channel, Pixels, Query
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.rebuilding import Rebuild, RebuildReport
from indexer.report import IngestOptions, Unwatched, Workbench
from rerank.judgement import Reranker
from search.engine import SearchEngine
from search.models import Loaded
from search.opening import loader
from tests.brightness_encoder import BrightnessEncoder
from tests.color_encoder import ColorEncoder
from tests.shops import Shop
from tests.word_judge import WordJudge

COLOUR, BRIGHTNESS = EncoderChoice("lite"), EncoderChoice("open_clip", "brightness")
ENCODERS: dict[EncoderChoice, Callable[[], Encoder]] = {COLOUR: ColorEncoder, BRIGHTNESS: BrightnessEncoder}
RED = np.full((64, 64, 3), (255, 0, 0), np.uint8)
PICTURES = {"scarlet": (255, 60, 60), "steel": (85, 85, 85), "snow": (255, 255, 255)}
"""Of these scarlet has nearly the colour of red, and steel exactly its brightness."""


@pytest.fixture
def paints(shop: Shop) -> Shop:
    rows: list[dict[str, object]] = []
    for name, rgb in PICTURES.items():
        Image.new("RGB", (64, 64), rgb).save(shop.data / f"{name}.png")
        rows.append({"id": name, "title": "paint", "image": f"{name}.png"})
    shop.ingest(rows)
    return shop


def engine_of(shop: Shop, reranker: Reranker | None = None) -> SearchEngine:
    """An engine that loads the encoders of this file."""

    def load(choice: EncoderChoice) -> Loaded:
        return Loaded(ENCODERS[choice](), reranker)

    return SearchEngine(shop.store, shop.encoder, shop.language, data=shop.data, reranker=reranker, load=load)


def switch(shop: Shop, choice: EncoderChoice, catalog: str = "products") -> RebuildReport:
    bench = Workbench(shop.store, ENCODERS[choice](), shop.language, shop.data, choice)
    return Rebuild(bench, shop.store.catalog(catalog), Unwatched()).run(COLOUR, lambda: None, to=choice)


def best(engine: SearchEngine, catalog: str = "products", image: Pixels = RED) -> str:
    return engine.search(Query(image=image, limit=3), catalog).hits[0].candidate.product.id


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_running_engine_changes_over_and_back(paints: Shop) -> None:
    engine = engine_of(paints)
    assert best(engine) == "scarlet"

    switch(paints, BRIGHTNESS)
    until(lambda: best(engine) == "steel")

    switch(paints, COLOUR)
    until(lambda: best(engine) == "scarlet")


def test_searches_are_answered_all_along_by_one_encoder_or_the_other(paints: Shop) -> None:
    engine, over = engine_of(paints), threading.Event()

    def asked() -> list[tuple[str, float]]:
        answers: list[tuple[str, float]] = []
        last = False
        while not last:
            last = over.is_set()
            first = engine.search(Query(text="red", image=RED, limit=3), "products").hits[0]
            answers.append((first.candidate.product.id, round(first.candidate.similarity, 2)))
        return answers

    with ThreadPoolExecutor(4) as threads:
        askers = [threads.submit(asked) for _ in range(4)]
        try:
            for choice, wanted in ((BRIGHTNESS, "steel"), (COLOUR, "scarlet")):
                switch(paints, choice)
                until(lambda: best(engine) == wanted)  # noqa: B023
        finally:
            over.set()
        answers = [asker.result() for asker in askers]

    for each in answers:
        seen = [answer for answer, before in zip(each, [None, *each], strict=False) if answer != before]
        # One asker may have missed the middle, none may have met anything else.
        assert [name for name, _ in seen] in (["scarlet", "steel", "scarlet"], ["scarlet"])
        assert len(set(seen)) <= 2


def test_what_an_ingest_adds_after_the_switch_is_found_by_the_new_encoder(paints: Shop) -> None:
    engine = engine_of(paints)
    switch(paints, BRIGHTNESS)
    until(lambda: best(engine) == "steel")

    Image.new("RGB", (64, 64), (0, 0, 0)).save(paints.data / "coal.png")
    (paints.data / "coal.jsonl").write_text('{"id": "coal", "title": "paint", "image": "coal.png"}')
    bench = Workbench(paints.store, BrightnessEncoder(), paints.language, paints.data, BRIGHTNESS)
    ingest(open_feed(paints.data / "coal.jsonl"), bench, IngestOptions())

    until(lambda: best(engine, image=np.zeros((8, 8, 3), np.uint8)) == "coal")


def test_catalogs_of_one_engine_may_have_different_encoders(paints: Shop) -> None:
    rows: list[dict[str, object]] = [{"id": n, "title": "paint", "image": f"{n}.png"} for n in PICTURES]
    paints.ingest(rows, catalog="others")
    switch(paints, BRIGHTNESS)

    engine = engine_of(paints)

    assert (best(engine), best(engine, "others")) == ("steel", "scarlet")


def test_an_engine_loads_an_encoder_once_for_all_catalogs(paints: Shop) -> None:
    paints.ingest([{"id": "snow", "title": "paint", "image": "snow.png"}], catalog="others")
    switch(paints, BRIGHTNESS)
    switch(paints, BRIGHTNESS, "others")

    engine = engine_of(paints)

    assert engine.served("products").now().models is engine.served("others").now().models


def test_pages_of_an_answer_go_on_after_a_switch(paints: Shop) -> None:
    engine = engine_of(paints)
    first = engine.search(Query(image=RED, limit=1), "products")
    switch(paints, BRIGHTNESS)
    until(lambda: best(engine) == "steel")

    rest = engine.search(Query(image=RED, limit=2, cursor=first.cursor or ""), "products")

    shown = [hit.candidate.product.id for hit in (*first.hits, *rest.hits)]
    assert (shown[0], sorted(shown)) == ("scarlet", sorted(PICTURES))


def test_products_like_one_are_found_by_the_encoder_in_force(paints: Shop) -> None:
    Image.new("RGB", (64, 64), (255, 0, 0)).save(paints.data / "red.png")
    paints.ingest([{"id": "red", "title": "paint", "image": "red.png"}])
    switch(paints, BRIGHTNESS)

    hits = engine_of(paints).similar("red", "products", 2).hits

    assert hits[0].candidate.product.id == "steel"


def test_an_encoder_that_cannot_be_loaded_leaves_the_one_before_serving_and_says_why(paints: Shop) -> None:
    def missing(choice: EncoderChoice) -> Loaded:
        raise EncoderProblem(str(choice), "its weights are not here")

    engine = SearchEngine(paints.store, paints.encoder, paints.language, data=paints.data, load=missing)
    client = TestClient(create_app(Settings(data=paints.data), engine))
    assert best(engine) == "scarlet"
    switch(paints, BRIGHTNESS)

    until(lambda: best(engine) == "scarlet" and engine.served("products").problem is not None)

    (catalog,) = client.get("/readyz").json()["catalogs"]
    assert catalog["encoder"] == "color@1"
    assert "its weights are not here" in catalog["problem"]


def test_a_server_says_how_many_products_its_encoder_has_not_seen(paints: Shop) -> None:
    seen = TestClient(create_app(Settings(data=paints.data), paints.engine()))
    other = SearchEngine(paints.store, BrightnessEncoder(), paints.language, data=paints.data)
    unseen = TestClient(create_app(Settings(data=paints.data), other))

    (knows,) = seen.get("/readyz").json()["catalogs"]
    misses = unseen.get("/readyz")

    assert (knows["encoder"], knows["unsearchable"], knows["problem"]) == ("color@1", 0, None)
    assert misses.status_code == 503
    assert "3 products have no vector of this encoder" in misses.json()["detail"]


def test_a_running_server_sees_what_a_rebuild_encodes_for_its_encoder(paints: Shop) -> None:
    engine = SearchEngine(paints.store, BrightnessEncoder(), paints.language, data=paints.data)
    assert not engine.search(Query(image=RED, limit=3), "products").hits

    bench = Workbench(paints.store, BrightnessEncoder(), paints.language, paints.data)
    Rebuild(bench, paints.store.catalog("products"), Unwatched()).run(BRIGHTNESS, lambda: None)

    until(lambda: len(engine.search(Query(image=RED, limit=3), "products").hits) == 3)
    assert best(engine) == "steel"


def test_the_index_of_another_encoder_is_never_searched(paints: Shop) -> None:
    switch(paints, BRIGHTNESS)
    for channel in Channel.PICTURE, Channel.TEXT:
        mine = index_folder(paints.data, "products", channel, "brightness@1")
        shutil.rmtree(mine)
        shutil.copytree(index_folder(paints.data, "products", channel, "color@1"), mine)

    assert best(engine_of(paints)) == "steel"


def test_a_judge_that_does_not_depend_on_the_encoder_is_shared(paints: Shop) -> None:
    judge = WordJudge()
    engine = engine_of(paints, judge)
    usual = engine.served("products").now().models
    switch(paints, BRIGHTNESS)
    until(lambda: best(engine) == "steel")

    models = engine.served("products").now().models

    assert models is not usual
    assert models.stage is usual.stage


def test_the_lite_judge_goes_with_its_encoder(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.opening.load_encoder", lambda *_: BrightnessEncoder())
    usual = Loaded(ColorEncoder(), None)

    loaded = loader(Settings(), language, usual)(BRIGHTNESS)

    assert loaded.encoder.fingerprint == "brightness@1"
    assert loaded.reranker is not None
    assert loader(Settings(), language, usual)(COLOUR) is usual
