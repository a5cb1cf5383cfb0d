"""What is bad is refused alone, with its reason, and the rest of the feed goes in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import IngestRunning, InvalidQuery
from indexer.lock import exclusive
from indexer.report import IngestOptions
from tests.indexer.shop import Shop, colour_shop, feed, picture


def test_a_bad_picture_is_refused_and_its_product_sold_without_it(shop: Shop, tmp_path: Path) -> None:
    picture(tmp_path / "feed" / "good.png", "red")
    (tmp_path / "feed" / "bad.png").write_bytes(b"no picture")
    rows: list[dict[str, object]] = [
        {"id": "titled", "title": "a red thing", "image": "bad.png"},
        {"id": "two", "image": ["bad.png", "good.png"]},
        {"id": "bare", "image": "bad.png"},
        {"id": "gone", "title": "gone", "image": "missing.png"},
    ]

    report = shop.ingest(feed(tmp_path / "feed", rows))

    assert shop.ids() == ["gone", "titled", "two"]
    assert shop.rejects() == [
        (1, "titled", "not_a_picture"),
        (2, "two", "not_a_picture"),
        (3, "bare", "not_a_picture"),
        (4, "gone", "missing"),
    ]
    assert (report.stored, report.rejected) == (3, 4)
    assert len(shop.catalog().get("two").picture_hashes) == 1


def test_what_was_refused_is_told_each_time_until_it_is_mended(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "feed"
    picture(folder / "cut.png", "red", (500, 500))
    whole = (folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[:300])
    source = feed(folder, [{"id": "a", "title": "a", "image": "cut.png"}])

    first, second = shop.ingest(source), shop.ingest(source)
    (folder / "cut.png").write_bytes(whole)
    third = shop.ingest(source)

    assert (first.stored, first.rejected) == (1, 1)
    assert (second.unchanged, second.rejected) == (1, 1)
    assert (third.updated, third.rejected, third.pictures_encoded) == (1, 0, 1)
    assert third.rejects_file is None
    assert shop.rejects() == []


def test_pictures_that_cannot_be_decoded_are_not_kept(shop: Shop, tmp_path: Path) -> None:
    picture(tmp_path / "feed" / "cut.png", "red", (500, 500))
    (tmp_path / "feed" / "cut.png").write_bytes((tmp_path / "feed" / "cut.png").read_bytes()[:300])

    shop.ingest(feed(tmp_path / "feed", [{"id": "a", "title": "a", "image": "cut.png"}]))

    assert [path for path in (shop.data / "pictures").rglob("*") if path.is_file()] == []


def test_nothing_outside_the_feeds_folder_is_read(shop: Shop, judged: Path, tmp_path: Path) -> None:
    folder = tmp_path / "feed"
    shutil.copytree(
        judged / "nasty_inputs" / "files", folder / "files", ignore=shutil.ignore_patterns("*bomb*")
    )
    shutil.copy(judged / "nasty_inputs" / "catalogs" / "paths.jsonl", folder / "paths.jsonl")

    report = shop.ingest(folder / "paths.jsonl")

    assert shop.rejects() == [
        (1, "t1", "outside_folder"),
        (2, "t2", "outside_folder"),
        (3, "t3", "bad_link"),
        (4, "t4", "forbidden_address"),
        (5, "t5", "forbidden_address"),
        (6, "t6", "missing"),
        (7, "t7", "not_a_file"),
    ]
    assert shop.ids() == ["../evil", "a/b?c#d", "t8"]
    assert report.pictures_encoded == 1


def test_the_folder_of_nasty_pictures_goes_in_within_a_gigabyte(judged: Path, tmp_path: Path) -> None:
    nasty = tmp_path / "nasty"
    shutil.copytree(judged / "nasty_inputs" / "files", nasty)
    subprocess.run(
        [sys.executable, judged / "nasty_inputs" / "make_special.py", nasty / "special"], check=True
    )

    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("ingest_process.py"), nasty, tmp_path / "data"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )

    *_, last = ran.stdout.splitlines()
    megabytes, stored, rejected = map(int, last.split())
    assert megabytes < 1000
    assert stored >= 50
    assert rejected >= 19


def test_a_folder_of_pictures_does_not_sell_files_that_are_none(shop: Shop, tmp_path: Path) -> None:
    picture(tmp_path / "feed" / "good.png", "red")
    (tmp_path / "feed" / "bad.png").write_bytes(b"no picture")

    shop.ingest(tmp_path / "feed")

    assert shop.ids() == ["good.png"]
    assert shop.rejects() == [(1, "bad.png", "not_a_picture")]


def test_a_second_ingest_into_the_same_catalog_says_so(shop: Shop, tmp_path: Path) -> None:
    source = colour_shop(tmp_path / "feed", 8)

    with exclusive(shop.data, "products"), pytest.raises(IngestRunning):
        shop.ingest(source)

    assert shop.ingest(source).stored == 8


def test_a_catalog_name_that_is_a_path_is_refused(shop: Shop, tmp_path: Path) -> None:
    source = colour_shop(tmp_path / "feed", 1)

    with pytest.raises(InvalidQuery):
        shop.ingest(source, IngestOptions(catalog="../x"))


def test_a_damaged_file_whose_name_is_no_text_is_told(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / os.fsdecode(b"bad_\xff.png")).write_bytes(b"no picture")

    report = shop.ingest(tmp_path / "feed")

    assert report.rejected == 1
    assert shop.rejects() == [(1, "bad_\\xff.png", "not_a_picture")]
