"""The compiled network: int8 linear layers whose input ranges were measured beforehand, run by OpenVINO's CPU plugin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from core.encoders.e5.graph import Linear, constant, encoder_graph
from core.encoders.e5.weights import WeightsFile

Ranges = Mapping[str, NDArray[np.float32]]
"""Linear layer to the largest magnitude that each of its input channels was seen to take."""

RANGES_FILE = "ranges.npz"
HEADROOM = 1.15
"""Inputs may be this much larger than any that was measured before they are clipped."""
SMOOTHING = 0.85
"""How much of an input channel's spread its weights take over; of 0.3 … 1 the best cosine to float32."""


class Session:
    """Runs batches one after the other; not for two threads at once."""

    def __init__(self, request: ov.InferRequest) -> None:
        self._request = request

    def run(self, rows: NDArray[np.float32], present: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows (n, tokens, 384) and a 1 for each that is there (n, tokens) to unit vectors (n, 384)."""
        return np.array(self._request.infer({0: rows, 1: present})[0], np.float32)


class Network:
    """The compiled encoder; each run keeps one core busy, and as many run at once as there are cores."""

    def __init__(self, compiled: ov.CompiledModel, cores: int) -> None:
        self._compiled, self.cores = compiled, cores

    @classmethod
    def load(cls, weights: WeightsFile, *, cores: int | None = None) -> Network:
        """Compiled for this CPU; as int8 and float32, so that vectors of one machine serve on another."""
        cores = cores or len(os.sched_getaffinity(0))
        graph = encoder_graph(weights, rounded_linear(packaged_ranges()))
        return cls(compile_graph(graph, cores=cores), cores)

    def session(self) -> Session:
        """A runner of its own buffers for one thread at a time."""
        return Session(self._compiled.create_infer_request())


def compile_graph(graph: ov.Model, *, cores: int = 1) -> ov.CompiledModel:
    """For the CPU, without bfloat16 even where it has that.

    One thread a run: these matrices are too small to be worth splitting, and a run that waits for the slowest of
    its threads suffers most on a machine with other work. Pinned threads would suffer the same way.
    """
    options = {
        "NUM_STREAMS": str(cores),
        "INFERENCE_NUM_THREADS": str(cores),
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    return ov.Core().compile_model(graph, "CPU", options)


def packaged_ranges() -> Ranges:
    """The ranges that ship with the product; `tools/measure_e5_ranges.py` makes them."""
    with resources.files(__package__).joinpath(RANGES_FILE).open("rb") as file, np.load(file) as ranges:
        return {name: ranges[name].astype(np.float32) for name in ranges.files}


def rounded_linear(ranges: Ranges) -> Linear:
    """Linear layers with inputs and weights as int8.

    A few input channels are ten times larger than the rest. Their scale is moved into the weights (SmoothQuant:
    Xiao et al. 2022), so that one scale for all channels of an input loses little.
    """

    def linear(inputs: ov.Node, name: str, matrix: NDArray[np.float32], bias: NDArray[np.float32]) -> ov.Node:
        largest = np.maximum(ranges[name], 1e-3) * HEADROOM
        shares = largest**SMOOTHING / np.maximum(np.abs(matrix).max(axis=0), 1e-6) ** (1 - SMOOTHING)
        reach = float((largest / shares).max())
        smooth = op.multiply(inputs, constant((1 / shares).reshape(1, 1, -1)))
        low, high = constant(-reach * 128 / 127), constant(reach)
        rounded = op.fake_quantize(smooth, low, high, low, high, 256)
        product = op.matmul(rounded, _int8(matrix * shares), False, True)
        return op.add(product, constant(bias.reshape(1, 1, -1)))

    return linear


def _int8(matrix: NDArray[np.float32]) -> ov.Node:
    """One scale a row."""
    scales = np.abs(matrix).max(axis=1, keepdims=True) / 127
    codes = op.constant(np.rint(matrix / scales).astype(np.int8))
    return op.multiply(op.convert(codes, "f32"), constant(scales))
