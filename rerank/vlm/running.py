"""Runs the model over batches: the larger the better, halved wherever the memory doesn't reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from core.errors import RerankerProblem

T = TypeVar("T")
R = TypeVar("R")
_CPU_SIGNS = ("can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is how torch says it: by class on a GPU, by words on a CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _CPU_SIGNS)


def buckets(lengths: Sequence[int], *, size: int, by_length: bool = True) -> Iterator[list[int]]:
    """The positions of sequences that are run together: of like lengths, so that little of a batch is padding."""
    order = list(range(len(lengths)))
    if by_length:
        order.sort(key=lambda position: lengths[position])
    for start in range(0, len(order), size):
        yield order[start : start + size]


def run_in_parts(items: Sequence[T], run: Callable[[Sequence[T]], list[R]], *, model: str) -> list[R]:
    """What `run` answers for the items, all at once if they fit, else by halves; RerankerProblem below one."""
    try:
        return run(items)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if len(items) == 1:
            reason = "out of memory for a single document; set LYCHEE_QUANTIZE, or free memory on the device"
            raise RerankerProblem(model, reason) from error
    # Out of the handler: the error's traceback would keep the failed batch's memory.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    middle = len(items) // 2
    return [
        *run_in_parts(items[:middle], run, model=model),
        *run_in_parts(items[middle:], run, model=model),
    ]
