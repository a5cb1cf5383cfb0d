"""Both towers run by OpenVINO on the CPU: several requests at once, each on a core of its own."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from core.encoders.open_clip.traits import Ids
from core.types import Vectors

BATCH = 8
"""Pictures of one request: more don't get quicker by the picture, and leave other cores waiting at the end."""


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 by itself; elsewhere it would be slower than float32."""
    return "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def compiled(graph: ov.Model, precision: str, *, streams: int | None = None) -> ov.CompiledModel:
    """For the CPU; `precision` (f32 or bf16) is of what isn't int8. One stream a core, unless told."""
    cores = len(os.sched_getaffinity(0))
    wish = {
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": str(streams or cores),
        "INFERENCE_NUM_THREADS": str(cores),
        # A pinned thread would wait for its core where others use it, too.
        "ENABLE_CPU_PINNING": False,
    }
    return ov.Core().compile_model(graph, "CPU", wish)


class Runner:
    """One compiled tower; a caller has the request queue that it takes to itself."""

    def __init__(self, model: ov.CompiledModel) -> None:
        self._model = model
        self._idle: deque[ov.AsyncInferQueue] = deque()

    def run(self, batches: Sequence[NDArray[Any]]) -> Vectors:
        """All batches at once, each on one stream; their rows below each other."""
        try:
            queue = self._idle.pop()
        except IndexError:
            queue = ov.AsyncInferQueue(self._model)
            queue.set_callback(_collect)
        found: list[Vectors | None] = [None] * len(batches)
        for place, batch in enumerate(batches):
            queue.start_async([batch], (found, place))
        queue.wait_all()
        self._idle.append(queue)
        return np.concatenate([each for each in found if each is not None])


def _collect(request: ov.InferRequest, job: tuple[list[Vectors | None], int]) -> None:
    found, place = job
    found[place] = np.array(request.get_output_tensor(0).data, np.float32)


class CompiledEngine:
    """core.encoders.open_clip.engine.Engine; safe for many threads."""

    def __init__(self, pictures: ov.CompiledModel, texts: ov.CompiledModel, *, numbers: str) -> None:
        self._pictures, self._texts = Runner(pictures), Runner(texts)
        self._streams = int(pictures.get_property("NUM_STREAMS"))
        self.name = f"openvino cpu {numbers}"

    def pictures(self, pixels: NDArray[np.uint8]) -> Vectors:
        """uint8 (n, height, width, 3) to rows of length 1."""
        size = min(BATCH, max(1, -(-len(pixels) // self._streams)))
        return self._pictures.run([pixels[start : start + size] for start in range(0, len(pixels), size)])

    def texts(self, ids: Ids) -> Vectors:
        """int64 (n, tokens) to rows of length 1."""
        size = min(BATCH, max(1, -(-len(ids) // self._streams)))
        return self._texts.run([ids[start : start + size] for start in range(0, len(ids), size)])

    def batch(self, shape: tuple[int, int]) -> int:
        """A few rounds of all streams; larger ones wouldn't be quicker and would hold more memory."""
        return 4 * BATCH * self._streams
