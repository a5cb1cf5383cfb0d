"""Batches are as large as is quick and as fits; what needs torch is asked for by name where torch is missing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from time import sleep

import numpy as np
import pytest

from core.encoders.open_clip.running import Batches, best_batch, is_out_of_memory, joined
from core.encoders.open_clip.traits import Span, Traits
from core.errors import EncoderProblem
from core.types import Vectors


class Memory:
    """A machine that has room for so many rows, and says so as torch does."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.batches: list[int] = []

    def double(self, rows: Sequence[float]) -> Vectors:
        self.batches.append(len(rows))
        if len(rows) > self.room:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return np.array([[2 * row] for row in rows], np.float32)


def test_what_does_not_fit_is_halved_until_it_does_and_stays_so() -> None:
    memory, batches = Memory(room=3), Batches("a model", 16)

    found = joined(batches.run(list(range(10)), memory.double), 1)

    assert found[:, 0].tolist() == [2.0 * row for row in range(10)]
    assert batches.size == 2
    assert memory.batches == [10, 8, 4, 2, 2, 2, 2, 2]


def test_where_not_even_one_row_fits_the_error_says_what_to_do() -> None:
    with pytest.raises(
        EncoderProblem, match="a model: not even one row fits into the memory; choose a smaller"
    ):
        Batches("a model", 4).run([1.0, 2.0], Memory(room=0).double)


def test_other_errors_are_not_mistaken_for_a_lack_of_memory() -> None:
    def broken(rows: Sequence[float]) -> Vectors:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        Batches("a model", 4).run([1.0], broken)
    assert is_out_of_memory(MemoryError())


def test_no_rows_make_a_matrix_without_rows() -> None:
    assert joined([], 7).shape == (0, 7)


@pytest.mark.parametrize(("room", "overhead", "best"), [(16, 0.02, 16), (10_000, 0.02, 64), (10_000, 0.0, 4)])
def test_the_batch_grows_while_it_fits_and_pays(room: int, overhead: float, best: int) -> None:
    """A call costs its overhead once, and a millisecond by the row."""

    def through(count: int) -> None:
        if count > room:
            raise MemoryError
        sleep(overhead + 0.002 * count)

    assert best_batch(through, smallest=4, largest=64, seconds=30) in (best, best * 2, best // 2)
    assert best_batch(through, smallest=4, largest=64, seconds=30) <= room


def test_a_text_ends_where_its_model_stops_reading() -> None:
    ids = np.array([[7, 3, 9, 0, 0, 0], [7, 9, 0, 0, 0, 0], [7, 3, 3, 3, 3, 9]], np.int64)

    assert Span("highest").lengths(ids) == [3, 2, 6]
    assert Span("token", 3).lengths(ids) == [2, 1, 2]
    assert Span("padding", 0).lengths(ids) == [3, 2, 6]
    assert Span("none").lengths(ids) == [6, 6, 6]
    assert Span("padding", 0).lengths(np.zeros((1, 4), np.int64)) == [1]


def test_traits_survive_being_written_down() -> None:
    traits = Traits(512, {"size": [224, 224], "mean": [0.5, 0.5, 0.5]}, Span("token", 2))

    assert Traits.of_json(traits.as_json()) == traits


def test_the_open_clip_encoder_without_its_packages_names_the_extra() -> None:
    if find_spec("open_clip") is not None:
        pytest.skip("the extra is installed")
    script = (
        "from core.encoder import load_encoder; from core.errors import MissingExtra\n"
        "from core.language import Language; from core.settings import Settings\n"
        "try: load_encoder(Settings(profile='clip'), Language.load())\n"
        "except MissingExtra as problem: print(problem)"
    )

    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "the open_clip encoder needs packages that are not installed" in found.stdout
    assert "pip install 'lychee-search[clip]'" in found.stdout
