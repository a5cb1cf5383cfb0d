"""An ingest that is broken off, however, loses nothing it reported, and the same call finishes the job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.publishing import index_folder
from core.types import Channel
from core.vector_index import VectorIndex
from tests.indexer.shop import Shop, colour_shop

PRODUCTS = 400


def started(source: Path, data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, Path(__file__).with_name("ingest_process.py"), source, data],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def stored_before(process: subprocess.Popen[str], sign: signal.Signals, batches: int) -> tuple[int, int]:
    """What the process reported as stored until the signal reached it, and its exit code."""
    assert process.stdout is not None
    with process, process.stdout as lines:
        reported = [int(line.split()[1]) for line in (lines.readline() for _ in range(batches))]
        process.send_signal(sign)
        reported += [int(line.split()[1]) for line in lines if line.startswith("stored")]
    return reported[-1], process.returncode


@pytest.mark.parametrize("batches", [1, 3])
def test_a_killed_ingest_keeps_what_it_reported_and_is_finished_by_the_next(
    shop: Shop, tmp_path: Path, batches: int
) -> None:
    source = colour_shop(tmp_path / "feed", PRODUCTS)

    reported, code = stored_before(started(source, shop.data), signal.SIGKILL, batches)
    kept = len(shop.ids())
    report = shop.ingest(source)

    assert code == -signal.SIGKILL
    assert reported <= kept < PRODUCTS
    assert (report.unchanged, report.stored) == (kept, PRODUCTS - kept)
    assert report.pictures_encoded == PRODUCTS - kept
    assert_complete(shop)


def test_ctrl_c_ends_after_the_transaction_and_exits_with_1(shop: Shop, tmp_path: Path) -> None:
    source = colour_shop(tmp_path / "feed", PRODUCTS)

    reported, code = stored_before(started(source, shop.data), signal.SIGINT, 1)
    kept = len(shop.ids())

    assert code == 1
    assert kept == reported < PRODUCTS
    assert shop.ingest(source).unchanged == kept
    assert_complete(shop)


def assert_complete(shop: Shop) -> None:
    assert len(shop.ids()) == PRODUCTS
    for channel in (Channel.PICTURE, Channel.TEXT):
        folder = index_folder(shop.data, "products", channel, "color@1")
        index = VectorIndex.open(folder, fingerprint="color@1")
        assert len(index) == PRODUCTS
        assert index.revision == shop.catalog().revision()
