"""Lays out e5's network as an OpenVINO graph; how a linear layer computes is the caller's choice."""

from __future__ import annotations

from collections.abc import Callable

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

Linear = Callable[[ov.Node, str, NDArray[np.float32], NDArray[np.float32]], ov.Node]
"""Inputs, the layer's name, weights (outputs, inputs) and bias (outputs) to outputs."""


def encoder_graph(weights: WeightsFile, linear: Linear) -> ov.Model:
    """Word plus position rows (n, tokens, 384) and a 1 for each that is there (n, tokens) to unit rows (n, 384)."""
    rows = op.parameter(ov.PartialShape([-1, -1, DIM]), ov.Type.f32, name="rows")
    present = op.parameter(ov.PartialShape([-1, -1]), ov.Type.f32, name="present")
    absent = op.subtract(present, constant(1.0))
    mask = _expand(op.multiply(absent, constant(-MASKED)), 1, 1)
    hidden = _normalised(weights, rows, "emb.ln")
    for layer in range(LAYERS):
        hidden = _layer(_Layer(weights, linear, f"l{layer}."), hidden, mask)
    # The sum has the direction of the mean, and only the direction is kept.
    summed = op.reduce_sum(op.multiply(hidden, _expand(present, 2)), _integers(1), False)
    unit = op.normalize_l2(summed, _integers([1]), EPSILON, "add")
    return ov.Model([op.result(unit)], [rows, present], "e5")


def constant(values: float | NDArray[np.float32]) -> ov.Node:
    """Float32 numbers that are part of the graph."""
    return op.constant(np.asarray(values, np.float32))


class _Layer:
    """One layer's linear parts by their names in the file."""

    def __init__(self, weights: WeightsFile, linear: Linear, prefix: str) -> None:
        self.weights, self.prefix = weights, prefix
        self._linear = linear

    def linear(self, inputs: ov.Node, *parts: str, columns: int = DIM) -> ov.Node:
        """Parts that read the same inputs are multiplied as one matrix."""
        names = [self.prefix + part for part in parts]
        matrix = np.concatenate([self.weights.blocks(f"{name}.w", columns).values() for name in names])
        bias = np.concatenate([self.weights.vector(f"{name}.b") for name in names])
        return self._linear(inputs, self.prefix + "".join(parts), matrix, bias)


def _layer(layer: _Layer, hidden: ov.Node, mask: ov.Node) -> ov.Node:
    attended = layer.linear(_attention(layer, hidden, mask), "ao")
    hidden = _normalised(layer.weights, op.add(hidden, attended), f"{layer.prefix}aln")
    inner = op.gelu(layer.linear(hidden, "fi"), "erf")
    outer = layer.linear(inner, "fo", columns=INNER)
    return _normalised(layer.weights, op.add(hidden, outer), f"{layer.prefix}oln")


def _attention(layer: _Layer, hidden: ov.Node, mask: ov.Node) -> ov.Node:
    parts = op.split(layer.linear(hidden, "q", "k", "v"), _integers(2), 3).outputs()
    query, key, value = (
        op.transpose(op.reshape(part, _integers([0, 0, HEADS, -1]), True), _integers([0, 2, 1, 3]))
        for part in parts
    )
    heads = op.scaled_dot_product_attention(query, key, value, mask)
    return op.reshape(op.transpose(heads, _integers([0, 2, 1, 3])), _integers([0, 0, DIM]), True)


def _normalised(weights: WeightsFile, inputs: ov.Node, name: str) -> ov.Node:
    plain = op.mvn(inputs, _integers([2]), True, EPSILON, "inside_sqrt")
    scale, shift = (constant(weights.vector(f"{name}.{part}").reshape(1, 1, -1)) for part in "wb")
    return op.add(op.multiply(plain, scale), shift)


def _integers(value: int | list[int]) -> ov.Node:
    return op.constant(np.array(value, np.int64))


def _expand(node: ov.Node, *axes: int) -> ov.Node:
    for axis in axes:
        node = op.unsqueeze(node, _integers(axis))
    return node
