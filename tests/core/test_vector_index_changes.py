"""Changes are published beside what is there: little is written, nothing is lost, and old rows never answer."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from core.errors import DamagedIndex, EncoderMismatch, InvalidVector
from core.types import Keys, VectorBatch
from core.vector_index import Changes, VectorIndex

NONE = np.empty(0, np.int64)
START = np.array([1, 0], np.float32)
REPOSITORY = Path(__file__).resolve().parents[2]


def pictures(keys: Iterable[int], cosine: float | None = None, dim: int = 2) -> VectorBatch:
    """Products that are a thousandth less like START for each number of their keys, or all just as like it."""
    listed = np.array(list(keys), np.int64)
    cosines = 1 - listed / 1000 if cosine is None else np.full(len(listed), cosine)
    vectors = np.zeros((len(listed), dim), np.float32)
    vectors[:, 0], vectors[:, 1] = cosines, np.sqrt(1 - cosines**2)
    return VectorBatch(listed, vectors, None, np.ones(len(listed), np.float32))


def publish(folder: Path, keys: Iterable[int]) -> VectorIndex:
    return VectorIndex.publish(folder, [pictures(keys)], fingerprint="angle", revision=1)


def change(folder: Path, *batches: VectorBatch, gone: Keys = NONE, revision: int = 2) -> VectorIndex:
    def changes_since(_: int) -> Changes:
        return Changes(batches, gone, revision)

    VectorIndex.publish_changes(folder, changes_since, fingerprint="angle")
    return VectorIndex.open(folder, fingerprint="angle")


def segments(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("generation-*/segment-*"))


def inodes(folder: Path) -> set[int]:
    return {path.stat().st_ino for path in folder.glob("generation-*/segment-*/vectors.f16.npy")}


def first(index: VectorIndex, count: int) -> list[int]:
    return [int(key) for key in index.nearest(START, count)[0]]


def test_changed_added_and_removed_products_are_published_together(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 500))

    index = change(tmp_path, pictures([3, 700], cosine=1.0), gone=np.array([1, 2]))

    assert first(index, 5) == [3, 700, 4, 5, 6]
    assert (len(index), index.revision) == (498, 2)


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 500))
    before = inodes(tmp_path)

    change(tmp_path, pictures([600]))

    assert before < inodes(tmp_path)
    assert len(segments(tmp_path)) == 2


def test_many_small_changes_leave_few_segments(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 500))

    for number in range(40):
        index = change(tmp_path, pictures([1_000 + number]), revision=2 + number)

    assert len(index) == 539
    assert len(segments(tmp_path)) <= 4


def test_a_segment_of_which_little_is_left_is_written_anew(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 500))

    index = change(tmp_path, gone=np.arange(1, 400))

    assert first(index, 3) == [400, 401, 402]
    rows = np.load(next(tmp_path.glob("generation-*/segment-*/keys.npy")))
    assert len(rows) == 100


def test_removing_everything_publishes_an_index_without_rows(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))

    index = change(tmp_path, gone=np.arange(1, 50))

    assert len(index) == 0
    assert first(index, 3) == []
    assert first(change(tmp_path, pictures([5]), revision=3), 3) == [5]


def test_a_product_removed_and_published_again_is_found_once(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 500))
    change(tmp_path, gone=np.array([7]))

    index = change(tmp_path, pictures([7, 7], cosine=1.0), revision=3)

    assert first(index, 3) == [7, 1, 2]
    assert len(index) == 500


def test_nothing_is_written_where_nothing_has_changed(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))
    before = (tmp_path / "current").read_text()

    change(tmp_path, revision=1)

    assert (tmp_path / "current").read_text() == before


def test_the_changes_are_asked_for_since_the_revision_in_force(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))
    asked = []

    def changes_since(revision: int) -> Changes:
        asked.append(revision)
        return Changes([pictures([60])], NONE, revision + 4)

    for _ in range(2):
        VectorIndex.publish_changes(tmp_path, changes_since, fingerprint="angle")

    assert asked == [1, 5]


def test_an_index_opened_over_another_reads_only_what_is_new(tmp_path: Path) -> None:
    before = publish(tmp_path, range(1, 500))
    changed = change(tmp_path, pictures([600], cosine=1.0))
    kept = next(tmp_path.glob("generation-*/segment-*/vectors.f16.npy")).parent.name
    for path in tmp_path.glob(f"generation-*/{kept}/*"):
        path.unlink()

    again = VectorIndex.open(tmp_path, fingerprint="angle", before=changed)

    assert first(again, 3) == first(changed, 3) == [600, 1, 2]
    assert first(before, 2) == [1, 2]
    with pytest.raises(DamagedIndex):
        VectorIndex.open(tmp_path, fingerprint="angle")


def test_changes_of_another_length_are_refused_and_change_nothing(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))

    with pytest.raises(InvalidVector, match="instead of"):
        change(tmp_path, pictures([60], dim=3))

    assert len(VectorIndex.open(tmp_path, fingerprint="angle")) == 49


def test_a_vector_that_is_not_finite_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))

    with pytest.raises(InvalidVector, match="60"):
        change(tmp_path, pictures([60], cosine=float("nan")))

    assert len(VectorIndex.open(tmp_path, fingerprint="angle")) == 49


def test_changes_are_not_added_to_another_encoders_index(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))

    with pytest.raises(EncoderMismatch):
        VectorIndex.publish_changes(
            tmp_path, lambda revision: Changes((), NONE, revision + 1), fingerprint="colour"
        )


def test_changes_are_not_added_to_a_damaged_index(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))
    path = next(tmp_path.glob("generation-*/segment-*/vectors.f16.npy"))
    path.write_bytes(path.read_bytes()[:-3])

    with pytest.raises(DamagedIndex):
        change(tmp_path, pictures([60]))


def test_hidden_keys_that_were_harmed_are_found(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 500))
    change(tmp_path, gone=np.array([7]))
    path = next(tmp_path.glob("generation-*/hidden-*.npy"))
    path.write_bytes(path.read_bytes()[:-1] + b"\x09")

    with pytest.raises(DamagedIndex):
        VectorIndex.open(tmp_path, fingerprint="angle")


def test_a_full_disk_leaves_the_index_before_in_force(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))

    def full(_: int) -> Changes:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        VectorIndex.publish_changes(tmp_path, full, fingerprint="angle")

    assert VectorIndex.open(tmp_path, fingerprint="angle").revision == 1
    assert len(list(tmp_path.glob("generation-*"))) == 1


ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from core.types import VectorBatch
from core.vector_index import Changes, VectorIndex

keys = np.arange(100, 30_000)
vectors = np.random.default_rng(1).standard_normal((len(keys), 32)).astype(np.float32)
batch = VectorBatch(keys, vectors, None, np.ones(len(keys), np.float32))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    VectorIndex.publish_changes(Path(sys.argv[1]), lambda _: Changes([batch], keys[:0], 2), fingerprint="angle")
except OSError as error:
    sys.exit(7)
"""


def test_files_that_find_no_room_leave_the_index_before_in_force(tmp_path: Path) -> None:
    VectorIndex.publish(tmp_path, [pictures(range(1, 50), dim=32)], fingerprint="angle", revision=1)

    published = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path)], cwd=REPOSITORY, check=False
    )

    assert published.returncode == 7
    assert len(VectorIndex.open(tmp_path, fingerprint="angle")) == 49
    assert len(list(tmp_path.glob("generation-*"))) == 1


WRITER = """
import sys
from pathlib import Path
import numpy as np
from core.types import VectorBatch
from core.vector_index import Changes, VectorIndex

key = int(sys.argv[2])
def since(revision):
    batch = VectorBatch(np.array([key]), np.array([[1, 0]], np.float32), None, np.ones(1, np.float32))
    return Changes([batch], np.empty(0, np.int64), revision + 1)

for _ in range(10):
    VectorIndex.publish_changes(Path(sys.argv[1]), since, fingerprint="angle")
    key += 1
"""


def test_two_writers_at_once_wait_for_each_other_and_lose_nothing(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(key)], cwd=REPOSITORY)
        for key in (100, 200)
    ]

    assert [writer.wait(60) for writer in writers] == [0, 0]

    index = VectorIndex.open(tmp_path, fingerprint="angle")
    assert (len(index), index.revision) == (69, 21)
    assert set(first(index, 20)) == {*range(100, 110), *range(200, 210)}


KILLED = WRITER.replace(
    "    return Changes(", "    import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n    return ("
)


def test_a_writer_that_is_killed_leaves_the_index_before_in_force(tmp_path: Path) -> None:
    publish(tmp_path, range(1, 50))

    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), "100"], cwd=REPOSITORY, check=False)

    assert killed.returncode == -signal.SIGKILL
    assert len(VectorIndex.open(tmp_path, fingerprint="angle")) == 49
    assert len(change(tmp_path, pictures([60]))) == 50
