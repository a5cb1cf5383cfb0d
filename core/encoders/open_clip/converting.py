"""From open_clip's towers to OpenVINO graphs, and to the numbers in which this CPU runs them quickest and still right."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray

from core.encoders.open_clip.compiled import BATCH, Runner, compiled, has_bfloat16
from core.encoders.open_clip.quantising import quantised, reaches
from core.types import Vectors

log = logging.getLogger("lychee.encoder")
LEAST_COSINE = 0.999
"""To what the same weights answer in float32, for every picture and text that is tried; less is not used."""
IN_FLOAT = (0, 8, 20)
"""How many layers are left out of int8, tried one after the other until what is left is near enough."""
TRIED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A graph and the numbers it runs in."""

    graph: ov.Model
    numbers: str
    """float32, bfloat16, or int8."""
    cosine: float
    """The lowest one to float32, over the pictures or texts that were tried."""

    @property
    def precision(self) -> str:
        """Of what isn't int8, as OpenVINO calls it."""
        return "f32" if self.numbers == "float32" or not has_bfloat16() else "bf16"


def picture_graph(tower: torch.nn.Module, pixels: NDArray[np.uint8]) -> ov.Model:
    """Any number of pictures of that size."""
    graph = _traced(tower, torch.from_numpy(pixels[:2]))
    graph.reshape([-1, *pixels.shape[1:]])
    return graph


def text_graph(tower: torch.nn.Module, ids: torch.Tensor, *, any_length: bool) -> ov.Model:
    """Any number of texts, of any length where the tower allows that."""
    graph = _traced(tower, ids[:2])
    graph.reshape([-1, -1 if any_length else ids.shape[1]])
    return graph


def quickest_for_pictures(graph: ov.Model, pixels: NDArray[np.uint8], dtype: str) -> Choice:
    """Of the numbers that `dtype` allows (auto: all), the quickest that are near enough to float32."""
    if dtype == "float32":
        return Choice(graph, "float32", 1.0)
    half = len(pixels) // 2
    known, fresh = pixels[:half], pixels[half:]
    exact = _answers(Choice(graph, "float32", 1.0), [fresh])
    tried: list[Choice | None] = []
    if has_bfloat16():
        tried.append(_tried(Choice(graph, "bfloat16", 0.0), exact, [fresh]))
    if dtype == "auto":
        tried += [_int8(graph, known, exact, [fresh]), Choice(graph, "float32", 1.0)]
    good = [each for each in tried if each and each.cosine >= LEAST_COSINE]
    if not good:
        return Choice(graph, "float32", 1.0)
    return min(good, key=lambda each: _seconds(each, fresh)) if len(good) > 1 else good[0]


def right_for_texts(graph: ov.Model, ids: Sequence[NDArray[np.int64]], dtype: str) -> Choice:
    """bfloat16 where the CPU has it and it is near enough, else float32."""
    plain = Choice(graph, "float32", 1.0)
    if dtype == "float32" or not has_bfloat16():
        return plain
    half = _tried(Choice(graph, "bfloat16", 0.0), _answers(plain, ids), ids)
    return half if half.cosine >= LEAST_COSINE else plain


def _int8(
    graph: ov.Model, known: NDArray[np.uint8], exact: Vectors, fresh: Sequence[NDArray[np.uint8]]
) -> Choice | None:
    found = reaches(graph, [known[start : start + BATCH] for start in range(0, len(known), BATCH)])
    for in_float in IN_FLOAT:
        if in_float < len(found):
            choice = _tried(Choice(quantised(graph, found, in_float=in_float), "int8", 0.0), exact, fresh)
            log.info("int8 but for %d layers: cosine %.5f", in_float, choice.cosine)
            if choice.cosine >= LEAST_COSINE:
                return choice
    return None


def _tried(choice: Choice, exact: Vectors, batches: Sequence[NDArray[Any]]) -> Choice:
    cosine = float((_answers(choice, batches) * exact).sum(axis=1).min())
    return Choice(choice.graph, choice.numbers, cosine)


def _answers(choice: Choice, batches: Sequence[NDArray[Any]]) -> Vectors:
    model = compiled(choice.graph, choice.precision)
    runner = Runner(model)
    # One by one: a large model's intermediate results for all of them would not fit.
    return np.concatenate([runner.run([part]) for each in batches for part in _parts(each)])


def _parts(batch: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for start in range(0, len(batch), BATCH):
        yield batch[start : start + BATCH]


def _seconds(choice: Choice, pixels: NDArray[np.uint8]) -> float:
    """Of the processor, the best of a few rounds, the first not counted: what else runs here counts for nothing."""
    runner, batches = Runner(compiled(choice.graph, choice.precision)), list(_parts(pixels))
    runner.run(batches)
    started, best = perf_counter(), float("inf")
    while perf_counter() - started < TRIED_SECONDS or best == float("inf"):
        begun = process_time()
        runner.run(batches)
        best = min(best, process_time() - begun)
    return best


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Has torch compute attention step by step, which a trace can follow."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)


def _traced(tower: torch.nn.Module, example: torch.Tensor) -> ov.Model:
    # torch.export, which is to follow tracing, fixes the length of texts where it computes their mask.
    with _plain_attention(), torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ov.convert_model(torch.jit.trace(tower, example, check_trace=False), example_input=example)
