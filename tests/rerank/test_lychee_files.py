"""The vision cache's files: what was put in comes out, whatever happened to the disk; the budget is kept."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rerank.vlm.vision_files import Stored, VisionFiles


@pytest.fixture
def files(tmp_path: Path) -> VisionFiles:
    return VisionFiles(tmp_path / "vision")


def features(seed: int = 0, *, tokens: int = 6) -> Stored:
    bits = np.random.default_rng(seed).integers(0, 1 << 16, (2, tokens, 8), dtype=np.uint16)
    return Stored((1, 4, 6), bits)


def written(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def same(found: Stored | None, expected: Stored) -> bool:
    return found is not None and found.grid == expected.grid and np.array_equal(found.bits, expected.bits)


def test_features_come_back_bit_for_bit_after_a_restart(files: VisionFiles, tmp_path: Path) -> None:
    wide = Stored((1, 2, 2), np.arange(8, dtype=np.uint32).reshape(1, 1, 8))
    files.put("model+picture", features())
    files.put("model+other", wide)

    later = VisionFiles(tmp_path / "vision")

    assert same(later.get("model+picture"), features())
    assert same(later.get("model+other"), wide)
    assert later.has("model+picture")


def test_what_was_never_put_is_not_there(files: VisionFiles) -> None:
    assert files.get("../../etc/passwd") is None
    assert not files.has("anything")


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "foreign", "grid", "shape"])
def test_a_damaged_file_counts_as_none_and_is_written_anew(
    files: VisionFiles, tmp_path: Path, damage: str
) -> None:
    files.put("picture", features())
    (path,) = written(tmp_path)
    whole = path.read_bytes()
    spoiled = {
        "cut": whole[:-7],
        "empty": b"",
        "flipped": whole[:-1] + bytes([whole[-1] ^ 1]),
        "foreign": b"something else altogether, longer than the head of a file of features is",
        "grid": whole[:12] + b"\x02" + whole[13:],
        "shape": whole[:20] + b"\xff" + whole[21:],
    }
    path.write_bytes(spoiled[damage])

    assert files.get("picture") is None
    assert written(tmp_path) == []
    files.put("picture", features())
    assert same(files.get("picture"), features())


def test_the_least_used_go_when_the_budget_is_full(tmp_path: Path) -> None:
    folder = tmp_path / "vision"
    VisionFiles(folder).put("size", features())
    one = written(folder)[0].stat().st_size
    files = VisionFiles(folder, budget=one * 10)
    for number in range(9):
        files.put(str(number), features(number))
    for age, path in enumerate(written(folder)):
        os.utime(path, (1_000 + age, 1_000 + age))
    files.get("3")

    files.put("last", features())

    assert sum(path.stat().st_size for path in written(folder)) <= one * 10
    assert files.has("3")
    assert files.has("last")


def test_a_disk_that_takes_nothing_costs_only_the_cache(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "vision").write_text("a file where the folder should be")
    files = VisionFiles(tmp_path / "vision")

    files.put("picture", features())

    assert files.get("picture") is None
    assert "not kept on disk" in caplog.text
