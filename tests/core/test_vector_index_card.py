"""What goes onto a graphics card, and that answers stay the same: a stand-in for the card's part of FAISS computes here."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.synthetic import SyntheticShop
from core.key_set import KeySet
from core.vector_index import VectorIndex
from core.vector_index.gpu import CardIndex, card_for, on_card
from core.vector_index.native import faiss
from core.vector_index.quick import QuickIndex
from core.vector_index.segment import Segment

ROWS, DIM = 30_000, 32


def cards(count: int, room: int = 1 << 40) -> Any:
    """FAISS as it is with some cards, each with room for so many rows."""

    class Flat(faiss.IndexFlatIP):  # type: ignore[misc]
        def __init__(self, resources: object, dim: int, settings: Any) -> None:
            assert settings.useFloat16
            super().__init__(dim)

        def add(self, rows: Any) -> None:
            if self.ntotal + len(rows) > room:
                raise RuntimeError("Error in void faiss::gpu::allocMemory: out of memory\nand more")
            super().add(rows)

    return SimpleNamespace(
        get_num_gpus=lambda: count,
        StandardGpuResources=object,
        GpuIndexFlatConfig=SimpleNamespace,
        GpuIndexFlatIP=Flat,
    )


@pytest.fixture(scope="module")
def shop() -> SyntheticShop:
    return SyntheticShop.open(dim=DIM, kinds=300)


@pytest.fixture(scope="module")
def segment(shop: SyntheticShop, tmp_path_factory: pytest.TempPathFactory) -> Segment:
    folder: Path = tmp_path_factory.mktemp("card")
    index = VectorIndex.publish(folder, shop.batches(ROWS), fingerprint="synthetic", revision=1)
    return index._parts[0].segment


@pytest.fixture(scope="module")
def codes(segment: Segment) -> QuickIndex:
    assert isinstance(segment.quick, QuickIndex)
    return segment.quick


@pytest.mark.parametrize(
    ("device", "count", "card"),
    [
        ("cpu", 2, None),
        ("auto", 0, None),
        ("auto", 2, 0),
        ("cuda", 1, 0),
        ("cuda:1", 2, 1),
        ("cuda:1", 1, None),
    ],
)
def test_the_device_setting_names_a_card_that_is_there(device: str, count: int, card: int | None) -> None:
    assert card_for(device, cards(count)) == card


def test_without_faiss_gpu_there_is_no_card() -> None:
    assert card_for("cuda", SimpleNamespace()) is None


def test_codes_go_onto_the_card(segment: Segment, codes: QuickIndex) -> None:
    assert isinstance(on_card(segment.rows, codes, 0, cards(1)), CardIndex)
    assert on_card(segment.rows, codes, None, cards(1)) is codes


def test_what_has_no_room_on_the_card_stays_where_it_is(
    segment: Segment, codes: QuickIndex, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert on_card(segment.rows, codes, 0, cards(1, room=ROWS - 1)) is codes

    assert "30,000 vectors stay off card 0" in caplog.text


def test_small_segments_stay_where_they_are(shop: SyntheticShop) -> None:
    vectors = next(shop.vectors(500)).astype(np.float16)
    exact = QuickIndex.build(np.arange(500), vectors)

    assert on_card(SimpleNamespace(), exact, 0, cards(1)) is exact  # type: ignore[arg-type]


def test_the_card_answers_the_nearest_rows(segment: Segment, codes: QuickIndex, shop: SyntheticShop) -> None:
    vectors = segment.rows.vectors.astype(np.float32)
    card = on_card(segment.rows, codes, 0, cards(1))
    query = shop.queries(vectors, 1)[0]

    found = card.near(query, 50, probes=1)

    assert found.tolist() == segment.rows.keys[np.argsort(-(vectors @ query))[:50]].tolist()


def test_filtered_and_very_long_answers_come_from_the_codes(
    segment: Segment, codes: QuickIndex, shop: SyntheticShop
) -> None:
    card = on_card(segment.rows, codes, 0, cards(1))
    query, odd = shop.kinds[0], KeySet.of(np.arange(1, ROWS, 2))

    for count, among in ((50, odd), (5_000, None)):
        expected = codes.near(query, count, probes=8, among=among)
        assert card.near(query, count, probes=8, among=among).tolist() == expected.tolist()
