"""Batches as large as fit: what doesn't fit into the memory is tried again in halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TypeVar

import numpy as np

from core.errors import EncoderProblem
from core.types import Vectors

T = TypeVar("T")
Run = Callable[[Sequence[T]], Vectors]
GAIN = 1.05
"""A batch twice as large must be so much quicker by the row to be worth its memory and the wait for it."""


class Batches:
    """Runs rows through a model in batches of a size that was found by trying; safe for many threads."""

    def __init__(self, model: str, size: int) -> None:
        self._model = model
        self.size = size
        """Rows of a batch; becomes less when memory gets short."""

    def run(self, rows: Sequence[T], through: Run[T]) -> list[Vectors]:
        """What each batch comes to, in order. Raises EncoderProblem where not even one row fits."""
        found: list[Vectors] = []
        start = 0
        while start < len(rows):
            size = self.size
            try:
                found.append(through(rows[start : start + size]))
                start += size
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(size, error)
        return found

    def _halve(self, size: int, error: BaseException) -> None:
        if size <= 1:
            reason = "not even one row fits into the memory; choose a smaller model or LYCHEE_DEVICE=cpu"
            raise EncoderProblem(self._model, reason) from error
        # Another thread may have been quicker.
        self.size = min(self.size, size // 2)


def best_batch(through: Callable[[int], object], *, smallest: int, largest: int, seconds: float) -> int:
    """Doubles the batch while that makes a row quicker, it fits, and the time for trying lasts."""
    started, best, best_rate = perf_counter(), smallest, 0.0
    size = smallest
    while size <= largest and perf_counter() - started < seconds:
        try:
            through(size)
            begun = perf_counter()
            through(size)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            break
        rate = size / (perf_counter() - begun)
        if rate < GAIN * best_rate:
            break
        best, best_rate, size = size, rate, size * 2
    return best


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, OpenVINO or the system says that memory is used up: each in its own words."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(
        said in words
        for said in ("out of memory", "can't allocate memory", "bad_alloc", "failed to allocate")
    )


def joined(parts: Sequence[Vectors], dim: int) -> Vectors:
    """All batches' rows below each other; none at all make a matrix without rows."""
    return np.concatenate(parts) if parts else np.zeros((0, dim), np.float32)
