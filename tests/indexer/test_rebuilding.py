"""A catalog is switched to another encoder beside the one in force: resumed after a kill, and back at once."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.encoder_choice import EncoderChoice, EncodersOfCatalog
from core.errors import DataFolderProblem, EncoderSwitched, RebuildRunning
from core.publishing import index_folder
from core.types import Channel
from core.vector_index import VectorIndex
from indexer.lock import rebuilding
from indexer.rebuilding import Rebuild, RebuildReport
from indexer.report import IngestOptions, Unwatched, Watch, Workbench
from tests.brightness_encoder import BrightnessEncoder
from tests.color_encoder import ColorEncoder
from tests.indexer.shop import COLOURS, Shop, colour_shop, feed, picture

COLOUR, BRIGHTNESS = EncoderChoice("lite"), EncoderChoice("open_clip", "brightness")
"""The shops' settings choose the first; the second stands for any other."""


def rebuild(
    shop: Shop,
    encoder: ColorEncoder | BrightnessEncoder,
    choice: EncoderChoice | None,
    watch: Watch | None = None,
) -> RebuildReport:
    bench = Workbench(shop.store, encoder, shop.language, shop.data, choice)
    return Rebuild(bench, shop.catalog(), watch or Unwatched()).run(COLOUR, lambda: None, to=choice)


def to_brightness(shop: Shop, watch: Watch | None = None) -> RebuildReport:
    return rebuild(shop, BrightnessEncoder(), BRIGHTNESS, watch)


def nearest(shop: Shop, encoder: ColorEncoder | BrightnessEncoder, words: str) -> str:
    """The product whose picture is nearest, by the published index."""
    folder = index_folder(shop.data, "products", Channel.PICTURE, encoder.fingerprint)
    keys, _ = VectorIndex.open(folder, fingerprint=encoder.fingerprint).nearest(
        encoder.encode_texts([words]).vectors[0], 1
    )
    return shop.catalog().by_keys(keys)[int(keys[0])].product.id


@pytest.fixture
def colours(shop: Shop, tmp_path: Path) -> Path:
    """A feed of eight things, each in its colour, which the shop has."""
    for colour in COLOURS:
        picture(tmp_path / "feed" / f"{colour}.png", colour)
    source = feed(tmp_path / "feed", ({"id": c, "title": f"{c} thing", "image": f"{c}.png"} for c in COLOURS))
    shop.ingest(source)
    return source


def test_a_switch_encodes_all_and_puts_the_new_encoder_in_force(shop: Shop, colours: Path) -> None:
    report = to_brightness(shop)

    assert (report.switched, report.pictures_encoded, report.texts_encoded) == (True, 8, 8)
    assert shop.catalog().encoding.encoders() == EncodersOfCatalog(
        BRIGHTNESS, "brightness@1", COLOUR, "color@1"
    )
    assert nearest(shop, BrightnessEncoder(), "black") == "black"
    assert nearest(shop, shop.encoder, "red") == "red"


def test_the_way_back_encodes_nothing(shop: Shop, colours: Path) -> None:
    to_brightness(shop)
    revision = shop.catalog().revision()

    report = rebuild(shop, ColorEncoder(), COLOUR)

    assert (report.switched, report.pictures_encoded, report.texts_encoded) == (True, 0, 0)
    assert shop.catalog().encoding.encoders() == EncodersOfCatalog(
        COLOUR, "color@1", BRIGHTNESS, "brightness@1"
    )
    assert shop.catalog().revision() == revision


def test_the_way_back_encodes_what_came_meanwhile_and_keeps_the_index(
    shop: Shop, colours: Path, tmp_path: Path
) -> None:
    to_brightness(shop)
    picture(tmp_path / "feed" / "pink.png", "pink")
    shop.ingest(
        feed(tmp_path / "feed", [{"id": "pink", "title": "pink thing", "image": "pink.png"}]),
        encoder=BrightnessEncoder(),
        choice=BRIGHTNESS,
    )
    folder = index_folder(shop.data, "products", Channel.PICTURE, "color@1")
    published = VectorIndex.open(folder, fingerprint="color@1").revision

    report = rebuild(shop, ColorEncoder(), COLOUR)

    assert (report.switched, report.pictures_encoded, report.texts_encoded) == (True, 1, 1)
    assert VectorIndex.open(folder, fingerprint="color@1").revision == published
    assert len(shop.catalog().encoding.missing("color@1")) == 0


def test_an_index_that_should_have_what_is_missing_is_built_anew(shop: Shop, colours: Path) -> None:
    for channel in Channel.PICTURE, Channel.TEXT:
        folder = index_folder(shop.data, "products", channel, "brightness@1")
        VectorIndex.publish(folder, (), fingerprint="brightness@1", revision=shop.catalog().revision())

    to_brightness(shop)

    assert nearest(shop, BrightnessEncoder(), "black") == "black"


def test_an_ingest_after_a_switch_changes_nothing(shop: Shop, colours: Path) -> None:
    to_brightness(shop)
    revision = shop.catalog().revision()
    encoder = BrightnessEncoder()

    report = shop.ingest(colours, encoder=encoder, choice=BRIGHTNESS)

    assert (report.unchanged, report.updated, encoder.pictures_encoded) == (8, 0, 0)
    assert shop.catalog().revision() == revision


def test_an_ingest_with_the_encoder_before_is_refused(shop: Shop, colours: Path) -> None:
    to_brightness(shop)

    with pytest.raises(EncoderSwitched, match="open_clip brightness"):
        shop.ingest(colours)


def test_other_settings_are_made_up_for_by_the_next_ingest(shop: Shop, colours: Path, tmp_path: Path) -> None:
    encoder = BrightnessEncoder()

    report = shop.ingest(feed(tmp_path / "other", [{"id": "new", "title": "new thing"}]), encoder=encoder)

    assert (report.stored, report.pictures_encoded, encoder.texts_encoded) == (1, 8, 9)
    assert shop.catalog().encoding.encoders().fingerprint == "brightness@1"
    assert nearest(shop, encoder, "black") == "black"


def test_an_ingest_with_other_settings_that_breaks_off_leaves_nobody_in_the_belief_that_all_is_there(
    shop: Shop, colours: Path, tmp_path: Path
) -> None:
    class AtOnce(Unwatched):
        def stopping(self) -> bool:
            return True

    shop.ingest(colours, encoder=BrightnessEncoder(), watch=AtOnce())

    assert shop.catalog().encoding.encoders().fingerprint is None
    assert shop.catalog().encoding.unsearchable("brightness@1") == 8
    assert shop.catalog().encoding.unsearchable("color@1") == 0


def test_a_rebuild_without_a_switch_encodes_what_is_missing_in_the_sight_of_running_servers(
    shop: Shop, colours: Path
) -> None:
    revision = shop.catalog().revision()

    report = rebuild(shop, BrightnessEncoder(), None)

    assert (report.switched, report.pictures_encoded) == (False, 8)
    assert len(shop.catalog().changed_since(revision)) == 8
    assert shop.catalog().encoding.encoders() == EncodersOfCatalog(None, "brightness@1")
    assert nearest(shop, BrightnessEncoder(), "black") == "black"


def test_a_rebuild_that_was_not_asked_to_switch_never_does(shop: Shop, colours: Path) -> None:
    to_brightness(shop)

    with pytest.raises(EncoderSwitched, match="open_clip brightness"):
        rebuild(shop, ColorEncoder(), None)


def test_a_second_rebuild_is_refused_by_name(shop: Shop, colours: Path) -> None:
    with rebuilding(shop.data, "products"), pytest.raises(RebuildRunning, match="products"):
        to_brightness(shop)


def test_a_picture_that_is_gone_is_counted_and_stops_nothing(shop: Shop, colours: Path) -> None:
    shutil.rmtree(next((shop.data / "pictures").iterdir()))

    report = to_brightness(shop)

    assert (report.switched, report.unreadable, report.pictures_encoded) == (True, 1, 7)


def test_a_rebuild_that_is_told_to_stop_keeps_the_encoder_in_force(shop: Shop, tmp_path: Path) -> None:
    class AfterTheFirst(Unwatched):
        done = 0

        def advance(self, rows: int) -> None:
            self.done += rows

        def stopping(self) -> bool:
            return self.done > 0

    shop.ingest(colour_shop(tmp_path / "feed", 100))

    stopped = to_brightness(shop, AfterTheFirst())
    finished = to_brightness(shop)

    assert (stopped.interrupted, stopped.switched) == (True, False)
    assert 0 < stopped.pictures_encoded < 100
    assert finished.pictures_encoded == 100 - stopped.pictures_encoded
    assert finished.switched


def test_a_full_disk_is_named_and_leaves_the_encoder_in_force(
    shop: Shop, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(DataFolderProblem, match="No space left"):
            to_brightness(shop)

    assert shop.catalog().encoding.encoders().choice is None
    assert nearest(shop, shop.encoder, "red") == "red"
    assert to_brightness(shop).pictures_encoded == 0


class Held(Unwatched):
    """An ingest that has begun, and goes on when it is told to."""

    def __init__(self) -> None:
        self.begun, self.told = threading.Event(), threading.Event()

    def begin(self, total: int | None) -> None:
        self.begun.set()
        assert self.told.wait(30)


def test_the_switch_waits_for_a_running_ingest_and_misses_nothing_of_it(
    shop: Shop, colours: Path, tmp_path: Path
) -> None:
    picture(tmp_path / "feed" / "pink.png", "pink")
    late = feed(tmp_path / "feed", [{"id": "pink", "title": "pink thing", "image": "pink.png"}])
    held = Held()
    with ThreadPoolExecutor(2) as threads:
        ingest = threads.submit(shop.ingest, late, watch=held)
        assert held.begun.wait(30)
        switch = threads.submit(to_brightness, shop)
        with pytest.raises(TimeoutError):
            switch.result(1.5)
        before = shop.catalog().encoding.encoders().choice
        held.told.set()
        stored, report = ingest.result(30).stored, switch.result(30)

    assert (before, stored) == (None, 1)
    assert report.switched
    assert shop.catalog().encoding.encoders().choice == BRIGHTNESS
    assert len(shop.catalog().encoding.missing("brightness@1")) == 0


def test_a_killed_rebuild_keeps_what_it_stored_and_is_finished_by_the_next(
    shop: Shop, tmp_path: Path
) -> None:
    shop.ingest(colour_shop(tmp_path / "feed", 400))
    script = str(Path(__file__).with_name("rebuild_process.py"))
    process = subprocess.Popen(
        [sys.executable, script, str(shop.data), shop.url],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    with process, process.stdout as lines:
        reported = [int(line) for line in (lines.readline() for _ in range(3))]
        process.send_signal(signal.SIGKILL)
        reported += [int(line) for line in lines if line.endswith("\n")]
    kept = 400 - len(shop.catalog().encoding.missing("brightness@1"))
    choice = shop.catalog().encoding.encoders().choice

    report = to_brightness(shop)

    assert process.returncode == -signal.SIGKILL
    assert choice is None
    assert sum(reported) <= kept < 400
    assert (report.switched, report.pictures_encoded) == (True, 400 - kept)
    assert nearest(shop, BrightnessEncoder(), "gray") in shop.ids()


def test_what_no_catalog_uses_is_dropped_and_the_rest_stays(shop: Shop, colours: Path) -> None:
    shop.ingest(colours, IngestOptions(catalog="others"))
    to_brightness(shop)

    dropped = sum(shop.store.drop_vectors_of_others({"color@1"}))

    assert dropped == 16
    assert len(shop.catalog("others").encoding.missing("color@1")) == 0
    assert len(shop.catalog().encoding.missing("brightness@1")) == 8
