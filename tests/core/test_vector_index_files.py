"""A published index is whole or not there: crashes, full disks and damage never give wrong answers."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import DamagedIndex, EncoderMismatch
from core.types import VectorBatch
from core.vector_index import VectorIndex

FILES = ("index.faiss", "keys.npy", "vectors.f16.npy", "features.i8.npy", "scales.npy", "manifest.json")


def grey_pictures(count: int, first: int = 1) -> VectorBatch:
    """Products whose vectors lie on a quarter circle, the lowest key at its start."""
    angles = np.linspace(0, np.pi / 2, count)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    features = np.round(vectors * 127).astype(np.int8)
    return VectorBatch(np.arange(first, first + count), vectors, features, np.ones(count, np.float32))


def publish(folder: Path, *batches: VectorBatch, revision: int = 1) -> VectorIndex:
    return VectorIndex.publish(folder, batches, fingerprint="grey", revision=revision)


def generation(folder: Path) -> Path:
    return folder / (folder / "current").read_text()


REPOSITORY = Path(__file__).resolve().parents[2]
KILLED_HALFWAY = """
import os, signal, sys
from pathlib import Path
import numpy as np
from core.types import VectorBatch
from core.vector_index import VectorIndex

def batches():
    yield VectorBatch(np.arange(3), np.ones((3, 2), np.float32), np.ones((3, 2), np.int8), np.ones(3, np.float32))
    os.kill(os.getpid(), signal.SIGKILL)

VectorIndex.publish(Path(sys.argv[1]), batches(), fingerprint="grey", revision=2)
"""
START = np.array([1, 0], np.float32)


def test_an_opened_index_answers_as_the_published_one(tmp_path: Path) -> None:
    published = publish(tmp_path, grey_pictures(50), grey_pictures(50, first=51), revision=8)

    opened = VectorIndex.open(tmp_path, fingerprint="grey")

    assert (opened.revision, len(opened), opened.dim, opened.feature_dim) == (8, 100, 2, 2)
    assert opened.nearest(START, 9)[0].tolist() == published.nearest(START, 9)[0].tolist()


def test_a_folder_without_an_index_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        VectorIndex.open(tmp_path, fingerprint="grey")


def test_another_encoders_index_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, grey_pictures(5))

    with pytest.raises(EncoderMismatch, match="grey"):
        VectorIndex.open(tmp_path, fingerprint="colours")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["flipped", "truncated", "lost", "emptied"])
def test_a_harmed_file_is_found_when_the_index_opens(tmp_path: Path, name: str, harm: str) -> None:
    publish(tmp_path, grey_pictures(500))
    path = next(generation(tmp_path).rglob(name))
    intact = path.read_bytes()
    middle = len(intact) // 2
    harmed = {
        "flipped": intact[:middle] + bytes([intact[middle] ^ 16]) + intact[middle + 1 :],
        "truncated": intact[:-7],
        "emptied": b"",
    }

    path.unlink() if harm == "lost" else path.write_bytes(harmed[harm])

    with pytest.raises(DamagedIndex):
        VectorIndex.open(tmp_path, fingerprint="grey")
    with pytest.raises(DamagedIndex):
        VectorIndex.verify(tmp_path)


@pytest.mark.parametrize("pointer", ["", "generation-", "../elsewhere", "generation-../../etc", "\0\xff"])
def test_a_pointer_that_names_no_generation_is_damage(tmp_path: Path, pointer: str) -> None:
    publish(tmp_path, grey_pictures(5))
    (tmp_path / "current").write_text(pointer)

    with pytest.raises(DamagedIndex):
        VectorIndex.open(tmp_path, fingerprint="grey")


def test_verify_reads_everything_and_counts_the_rows(tmp_path: Path) -> None:
    publish(tmp_path, grey_pictures(500))

    assert VectorIndex.verify(tmp_path) == 500


def test_publishing_anew_mends_a_damaged_index(tmp_path: Path) -> None:
    publish(tmp_path, grey_pictures(5))
    (generation(tmp_path) / "manifest.json").write_bytes(b"{}")

    assert len(publish(tmp_path, grey_pictures(5))) == 5


def test_a_publication_that_breaks_off_leaves_the_old_index_alone(tmp_path: Path) -> None:
    publish(tmp_path, grey_pictures(5))

    def full_disk() -> Iterator[VectorBatch]:
        yield grey_pictures(50)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        VectorIndex.publish(tmp_path, full_disk(), fingerprint="grey", revision=2)

    assert VectorIndex.open(tmp_path, fingerprint="grey").revision == 1
    assert len(list(tmp_path.glob("generation-*"))) == 1


def test_a_publisher_killed_halfway_leaves_the_old_index_in_force(tmp_path: Path) -> None:
    publish(tmp_path, grey_pictures(5))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_HALFWAY, str(tmp_path)], cwd=REPOSITORY, check=False
    )

    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("generation-*"))) == 2
    assert VectorIndex.open(tmp_path, fingerprint="grey").revision == 1
    assert publish(tmp_path, grey_pictures(6), revision=2).revision == 2
    assert len(list(tmp_path.glob("generation-*"))) == 1


def test_what_a_killed_publisher_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    publish(tmp_path, grey_pictures(5))
    left = tmp_path / "generation-00ff"
    left.mkdir()
    (left / "vectors.f16.npy").write_bytes(b"half")

    assert len(VectorIndex.open(tmp_path, fingerprint="grey")) == 5
    publish(tmp_path, grey_pictures(6), revision=2)

    assert not left.exists()


def test_a_reader_of_an_older_generation_goes_on_undisturbed(tmp_path: Path) -> None:
    old = publish(tmp_path, grey_pictures(500))

    publish(tmp_path, grey_pictures(3), revision=2)

    assert old.nearest(START, 9)[0].tolist() == list(range(1, 10))
    assert old.similarities(START, np.array([1, 500])) == pytest.approx([127.0, 0.0])
    assert len(list(tmp_path.glob("generation-*"))) == 1


def test_keys_out_of_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="key order"):
        publish(tmp_path, grey_pictures(5, first=10), grey_pictures(5))


def test_half_the_bytes_of_float32_are_stored(tmp_path: Path) -> None:
    publish(tmp_path, grey_pictures(1000))

    vectors = np.load(next(generation(tmp_path).rglob("vectors.f16.npy")), mmap_mode="r")

    assert (vectors.dtype, vectors.shape) == (np.float16, (1000, 2))


def test_an_index_without_rows_opens(tmp_path: Path) -> None:
    publish(tmp_path)

    assert len(VectorIndex.open(tmp_path, fingerprint="grey")) == 0
    assert VectorIndex.verify(tmp_path) == 0


def test_opening_takes_a_moment_only(tmp_path: Path) -> None:
    publish(tmp_path, grey_pictures(10_000))

    started = time.process_time()
    VectorIndex.open(tmp_path, fingerprint="grey")

    assert time.process_time() - started < 0.5


def test_an_open_index_answers_on_whatever_befalls_its_files(tmp_path: Path) -> None:
    index = publish(tmp_path, grey_pictures(100))
    query, keys = np.array([1, 0], np.float32), np.arange(1, 101)
    before = index.similarities(query, keys).tolist()

    for path in generation(tmp_path).rglob("*.npy"):
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(b"\x11" * (path.stat().st_size - file.tell()))

    assert index.similarities(query, keys).tolist() == before
