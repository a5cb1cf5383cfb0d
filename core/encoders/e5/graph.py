"""Builds and compiles the encoder's network; of the text tower, alone knows OpenVINO."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from core.encoders.e5.weights import WeightsFile

DIM = 384
LAYERS = 12
HEADS = 12
INNER = 1536
EPSILON = 1e-12
MASKED = -1e9


@dataclass(frozen=True, slots=True)
class Network:
    """The compiled encoder: summed word and position rows in, unit vectors out."""

    compiled: ov.CompiledModel

    def session(self) -> Session:
        """A runner for one thread at a time."""
        return Session(self.compiled.create_infer_request())


class Session:
    """Runs batches one after the other; not for two threads at once."""

    def __init__(self, request: ov.InferRequest) -> None:
        self._request = request

    def run(self, rows: NDArray[np.float32], present: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows (n, tokens, 384) and which of them are there (n, tokens; 1 or 0) to unit vectors (n, 384)."""
        answer = self._request.infer({0: rows, 1: present}, share_inputs=True)
        return np.array(answer[0], np.float32)


def compile_network(weights: WeightsFile, *, threads: int | None = None) -> Network:
    """No bfloat16 where a CPU happens to have it: vectors made on one machine serve on another."""
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(DIM),
        "INFERENCE_NUM_THREADS": str(threads or os.cpu_count() or 1),
    }
    return Network(ov.Core().compile_model(_model(weights), "CPU", options))


def _model(weights: WeightsFile) -> ov.Model:
    rows = op.parameter(ov.PartialShape([-1, -1, DIM]), ov.Type.f32, name="rows")
    present = op.parameter(ov.PartialShape([-1, -1]), ov.Type.f32, name="present")
    mask = _expand(op.multiply(op.subtract(present, _number(1.0)), _number(-MASKED)), 1, 1)
    hidden = _normalised(weights, rows, "emb.ln")
    for layer in range(LAYERS):
        name = f"l{layer}."
        attended = _linear(weights, _attention(weights, hidden, mask, name), f"{name}ao", DIM)
        hidden = _normalised(weights, op.add(hidden, attended), f"{name}aln")
        inner = op.gelu(_linear(weights, hidden, f"{name}fi", DIM), "erf")
        hidden = _normalised(
            weights, op.add(hidden, _linear(weights, inner, f"{name}fo", INNER)), f"{name}oln"
        )
    # The sum has the direction of the mean, and only the direction is kept.
    summed = op.reduce_sum(op.multiply(hidden, _expand(present, 2)), _integers(1), False)
    return ov.Model(
        [op.result(op.normalize_l2(summed, _integers([1]), EPSILON, "add"))], [rows, present], "e5"
    )


def _attention(weights: WeightsFile, hidden: ov.Node, mask: ov.Node, name: str) -> ov.Node:
    query, key, value = (
        op.transpose(
            op.reshape(_linear(weights, hidden, f"{name}{part}", DIM), _integers([0, 0, HEADS, -1]), True),
            _integers([0, 2, 1, 3]),
        )
        for part in "qkv"
    )
    heads = op.scaled_dot_product_attention(query, key, value, mask)
    return op.reshape(op.transpose(heads, _integers([0, 2, 1, 3])), _integers([0, 0, DIM]), True)


def _linear(weights: WeightsFile, inputs: ov.Node, name: str, columns: int) -> ov.Node:
    """Weights as int8 with one scale a row; the CPU plugin rounds the inputs to int8 as they come."""
    matrix = weights.blocks(f"{name}.w", columns).values()
    scales = np.abs(matrix).max(axis=1, keepdims=True) / 127
    codes = op.constant(np.rint(matrix / scales).astype(np.int8))
    rounded = op.multiply(op.convert(codes, "f32"), op.constant(scales.astype(np.float32)))
    return op.add(op.matmul(inputs, rounded, False, True), _row(weights, f"{name}.b"))


def _normalised(weights: WeightsFile, inputs: ov.Node, name: str) -> ov.Node:
    plain = op.mvn(inputs, _integers([2]), True, EPSILON, "inside_sqrt")
    return op.add(op.multiply(plain, _row(weights, f"{name}.w")), _row(weights, f"{name}.b"))


def _row(weights: WeightsFile, name: str) -> ov.Node:
    return op.constant(weights.vector(name).reshape(1, 1, -1))


def _number(value: float) -> ov.Node:
    return op.constant(np.float32(value))


def _integers(value: int | list[int]) -> ov.Node:
    return op.constant(np.array(value, np.int64))


def _expand(node: ov.Node, *axes: int) -> ov.Node:
    for axis in axes:
        node = op.unsqueeze(node, _integers(axis))
    return node
