"""A model is converted once; what lies on the disk is used only while it is whole."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.models.open_clip_models import encoder_of, photos, tiny

SENTENCE = "a red shoe"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("checkpoints") / "tiny")


def files(data: Path) -> list[Path]:
    """Of the one conversion that is there."""
    (folder,) = (data / "encoders").iterdir()
    return sorted(folder.iterdir())


def test_the_second_start_reads_what_the_first_one_made(checkpoint: Path, tmp_path: Path) -> None:
    first = encoder_of(checkpoint, tmp_path)
    written = {path.name: path.stat().st_mtime_ns for path in files(tmp_path)}

    again = encoder_of(checkpoint, tmp_path)

    assert {path.name: path.stat().st_mtime_ns for path in files(tmp_path)} == written
    assert np.array_equal(first.encode_images(photos()).vectors, again.encode_images(photos()).vectors)
    assert np.array_equal(first.encode_texts([SENTENCE]).vectors, again.encode_texts([SENTENCE]).vectors)
    assert first.fingerprint == again.fingerprint


@pytest.mark.parametrize(
    ("name", "damage"),
    [("manifest.json", "cut"), ("manifest.json", "gone"), ("pictures.bin", "changed"), ("texts.xml", "gone")],
)
def test_a_damaged_conversion_is_made_again(
    checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    expected = encoder_of(checkpoint, tmp_path, dtype="float32").encode_images(photos()).vectors
    path = next(path for path in files(tmp_path) if path.name == name)
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-20] if damage == "cut" else content[:50] + b"x" + content[51:])

    with caplog.at_level(logging.WARNING):
        found = encoder_of(checkpoint, tmp_path, dtype="float32").encode_images(photos()).vectors

    assert np.abs(found - expected).max() < 1e-6
    assert path.exists()
    assert "is made again" in caplog.text


def test_two_that_convert_at_once_both_work_and_leave_one_conversion(
    checkpoint: Path, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: encoder_of(checkpoint, tmp_path, dtype="float32"), range(2)))

    vectors = [encoder.encode_images(photos()).vectors for encoder in found]
    assert np.abs(vectors[0] - vectors[1]).max() < 1e-6
    assert [path.name for path in files(tmp_path)] == [
        "manifest.json",
        "pictures.bin",
        "pictures.xml",
        "texts.bin",
        "texts.xml",
    ]


def test_where_nothing_can_be_kept_the_encoder_works_all_the_same(
    checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "encoders").write_text("a file where the folder should be")

    with caplog.at_level(logging.WARNING):
        encoder = encoder_of(checkpoint, tmp_path, dtype="float32")

    assert encoder.encode_images(photos()).vectors.shape == (6, encoder.dim)
    assert "can't be kept" in caplog.text


def test_many_threads_get_the_vectors_that_one_gets(checkpoint: Path, tmp_path: Path) -> None:
    encoder = encoder_of(checkpoint, tmp_path, dtype="float32")
    texts = [f"shoe {number}" * (1 + number % 5) for number in range(40)]
    pictures, words = encoder.encode_images(photos()).vectors, encoder.encode_texts(texts).vectors

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: encoder.encode_images(photos()).vectors, range(8)))
        read = list(pool.map(lambda text: encoder.encode_texts([text]).vectors[0], texts))

    assert all(np.abs(each - pictures).max() < 1e-6 for each in seen)
    assert np.abs(np.array(read) - words).max() < 1e-5
