"""Ingest stores what is new, encodes nothing twice, and refuses what is bad without losing the rest."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.publishing import index_folder
from core.types import Channel
from core.vector_index import VectorIndex
from indexer.report import IngestOptions
from tests.indexer.shop import COLOURS, Shop, colour_shop, feed, picture

PRUNE = IngestOptions(prune=True)


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A feed of eight things, each in its colour."""
    for colour in COLOURS:
        picture(tmp_path / "feed" / f"{colour}.png", colour)
    return feed(tmp_path / "feed", ({"id": c, "title": f"{c} thing", "image": f"{c}.png"} for c in COLOURS))


def nearest(shop: Shop, channel: Channel, words: str) -> str:
    folder = index_folder(shop.data, "products", channel, "color@1")
    index = VectorIndex.open(folder, fingerprint="color@1")
    keys, _ = index.nearest(shop.encoder.encode_texts([words]).vectors[0], 1)
    return shop.catalog().by_keys(keys)[int(keys[0])].product.id


def test_products_are_found_by_picture_and_by_text_afterwards(shop: Shop, colours: Path) -> None:
    report = shop.ingest(colours)

    assert (report.stored, report.rejected, report.pictures_encoded) == (8, 0, 8)
    assert nearest(shop, Channel.PICTURE, "blue") == "blue"
    assert nearest(shop, Channel.TEXT, "红") == "red"


def test_the_second_time_changes_nothing(shop: Shop, colours: Path) -> None:
    shop.ingest(colours)
    revision, texts = shop.catalog().revision(), shop.encoder.texts_encoded

    report = shop.ingest(colours)

    assert (report.stored, report.updated, report.unchanged) == (0, 0, 8)
    assert (report.pictures_encoded, shop.encoder.texts_encoded) == (0, texts)
    assert shop.catalog().revision() == revision


def test_a_renamed_picture_is_not_encoded_again(shop: Shop, tmp_path: Path) -> None:
    picture(tmp_path / "feed" / "old.png", "red")
    shop.ingest(feed(tmp_path / "feed", [{"id": "a", "title": "a", "image": "old.png"}]))
    (tmp_path / "feed" / "old.png").rename(tmp_path / "feed" / "new.png")

    report = shop.ingest(feed(tmp_path / "feed", [{"id": "a", "title": "a", "image": "new.png"}]))

    assert (report.updated, report.pictures_encoded) == (1, 0)
    assert shop.catalog().get("a").product.pictures == ("new.png",)


def test_another_catalog_shares_what_is_encoded(shop: Shop, colours: Path) -> None:
    shop.ingest(colours)

    report = shop.ingest(colours, IngestOptions(catalog="others"))

    assert (report.stored, report.pictures_encoded) == (8, 0)


def test_only_what_changed_is_updated(shop: Shop, tmp_path: Path, colours: Path) -> None:
    shop.ingest(colours)
    picture(tmp_path / "feed" / "red.png", "blue")

    report = shop.ingest(colours)

    assert (report.updated, report.unchanged, report.pictures_encoded) == (1, 7, 0)


def test_a_changed_picture_is_encoded_and_found(shop: Shop, tmp_path: Path, colours: Path) -> None:
    shop.ingest(colours)
    picture(tmp_path / "feed" / "white.png", "gray")

    report = shop.ingest(colours)

    assert (report.updated, report.unchanged, report.pictures_encoded) == (1, 7, 1)
    assert nearest(shop, Channel.PICTURE, "gray") == "white"


def test_other_index_fields_write_every_product_anew(shop: Shop, colours: Path) -> None:
    shop.ingest(colours)

    report = shop.ingest(colours, IngestOptions(index_fields=("category",)))

    assert (report.updated, report.pictures_encoded) == (8, 0)


def test_pruning_removes_what_the_feed_no_longer_has(shop: Shop, tmp_path: Path, colours: Path) -> None:
    shop.ingest(colours)
    feed(tmp_path / "feed", [{"id": "red", "title": "red thing", "image": "red.png"}])

    kept = shop.ingest(colours)
    pruned = shop.ingest(colours, PRUNE)

    assert (kept.removed, pruned.removed) == (0, 7)
    assert shop.ids() == ["red"]
    assert nearest(shop, Channel.PICTURE, "blue") == "red"


def test_pruning_keeps_a_product_whose_row_is_broken_today(shop: Shop, tmp_path: Path, colours: Path) -> None:
    shop.ingest(colours)
    feed(tmp_path / "feed", [{"id": "red", "title": "red thing", "image": "red.png"}, {"id": "blue"}])

    shop.ingest(colours, PRUNE)

    assert shop.ids() == ["blue", "red"]


def test_a_feed_without_a_single_product_does_not_empty_the_shop(
    shop: Shop, tmp_path: Path, colours: Path
) -> None:
    shop.ingest(colours)
    feed(tmp_path / "feed", [])

    report = shop.ingest(colours, PRUNE)

    assert report.removed == 0
    assert report.notes
    assert len(shop.ids()) == 8


def test_the_same_picture_in_many_rows_is_encoded_once(shop: Shop, tmp_path: Path) -> None:
    picture(tmp_path / "feed" / "a.png", "red")
    rows = [{"id": str(n), "title": f"thing {n}", "image": "a.png"} for n in range(200)]

    report = shop.ingest(feed(tmp_path / "feed", rows))

    assert (report.stored, report.pictures_encoded) == (200, 1)


def test_vectors_come_out_as_the_encoder_gave_them(shop: Shop, colours: Path) -> None:
    shop.ingest(colours)

    (batch,) = shop.catalog().vectors(Channel.PICTURE, "color@1")

    assert np.allclose(np.linalg.norm(batch.vectors, axis=1), 1, atol=1e-3)
    assert len(batch) == 8


def test_a_deleted_index_is_built_again(shop: Shop, colours: Path) -> None:
    shop.ingest(colours)
    shutil.rmtree(shop.data / "index")

    report = shop.ingest(colours)

    assert report.unchanged == 8
    assert nearest(shop, Channel.PICTURE, "red") == "red"


def test_several_batches_arrive_whole(shop: Shop, tmp_path: Path) -> None:
    source = colour_shop(tmp_path / "feed", 200)

    report = shop.ingest(source)

    assert (report.stored, report.pictures_encoded) == (200, 200)
    assert shop.catalog().counts().pictures == 200
