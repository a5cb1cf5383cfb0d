"""An OpenVINO graph's linear layers as int8, their input ranges measured on real pictures beforehand.

A few input channels of a transformer are many times larger than the rest. Their scale is moved into the weights
(SmoothQuant: Xiao et al. 2022), so that one scale for all channels of an input loses little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

Float = NDArray[np.float32]
HEADROOM = 1.05
"""Inputs may be this much larger than any that was measured before they are clipped."""
SMOOTHING = 0.5
"""How much of an input channel's spread its weights take over."""
_ONE_SIDED = 0.3
"""Below this share of their highest value, the lowest one is given up to its own zero: what follows a GELU."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What the channels of one layer's input were seen to take."""

    low: Float
    high: Float
    square: Float
    """Mean of the squares."""

    @property
    def loss(self) -> float:
        """How coarse 256 steps are for it: the largest value over the usual one, channels brought to one size."""
        amplitude = np.maximum(np.maximum(-self.low, self.high), 1e-6)
        return float(1 / np.sqrt(np.mean(self.square / amplitude**2)))


def reaches(graph: ov.Model, batches: Sequence[NDArray[np.uint8]]) -> list[Reach]:
    """One for each linear layer, in the graph's order, over all batches."""
    observed = graph.clone()
    inputs = [layer.input_value(0) for layer in _layers(observed)]
    observed.add_outputs(inputs)
    compiled = ov.Core().compile_model(observed, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    seen: list[list[Reach]] = []
    for batch in batches:
        outputs = compiled(batch)
        seen.append([_reach(outputs[1 + place]) for place in range(len(inputs))])
    return [_merged(each) for each in zip(*seen, strict=True)]


def quantised(graph: ov.Model, found: Sequence[Reach], *, in_float: int = 0) -> ov.Model:
    """The same graph with int8 products, but for the `in_float` layers whose inputs suffer most from it."""
    whole = graph.clone()
    layers = list(_layers(whole))
    spared = set(np.argsort([-reach.loss for reach in found])[:in_float].tolist())
    for place, (layer, reach) in enumerate(zip(layers, found, strict=True)):
        if place not in spared:
            _replace(layer, reach)
    whole.validate_nodes_and_infer_types()
    return whole


def _layers(graph: ov.Model) -> Iterator[ov.Node]:
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "MatMul":
            weights = node.input_value(1).get_node()
            if weights.get_type_name() == "Constant" and len(weights.get_output_shape(0)) == 2:
                yield node


def _reach(values: Float) -> Reach:
    rows = values.reshape(-1, values.shape[-1])
    return Reach(rows.min(axis=0), rows.max(axis=0), np.square(rows).mean(axis=0))


def _merged(seen: Sequence[Reach]) -> Reach:
    low = np.min([each.low for each in seen], axis=0)
    high = np.max([each.high for each in seen], axis=0)
    return Reach(low, high, np.mean([each.square for each in seen], axis=0))


def _replace(layer: ov.Node, reach: Reach) -> None:
    weights = layer.input_value(1).get_node().data.astype(np.float32)
    matrix = weights if layer.get_attributes()["transpose_b"] else weights.T
    largest = np.maximum(np.maximum(-reach.low, reach.high), 1e-3) * HEADROOM
    shares = largest**SMOOTHING / np.maximum(np.abs(matrix).max(axis=0), 1e-6) ** (1 - SMOOTHING)
    inputs = layer.input_value(0)
    flat = [1] * (len(inputs.get_partial_shape()) - 1) + [-1]
    smooth = op.multiply(inputs, _constant((1 / shares).reshape(flat)))
    low, high = _bounds(reach.low * HEADROOM / shares, reach.high * HEADROOM / shares)
    rounded = op.fake_quantize(smooth, low, high, low, high, 256)
    product = op.matmul(rounded, _int8(matrix * shares), False, True)
    for target in list(layer.output(0).get_target_inputs()):
        target.replace_source_output(product.output(0))


def _bounds(low: Float, high: Float) -> tuple[ov.Node, ov.Node]:
    """256 steps of which one is zero: from zero's own place where nearly all is positive, else around it."""
    bottom, top = min(float(low.min()), 0.0), max(float(high.max()), 0.0)
    if -bottom < _ONE_SIDED * top:
        step = (top - bottom) / 255
        bottom = -round(-bottom / step) * step
        return _constant(bottom), _constant(bottom + 255 * step)
    reach = max(-bottom, top)
    return _constant(-reach * 128 / 127), _constant(reach)


def _int8(matrix: Float) -> ov.Node:
    """One scale a row."""
    scales = np.maximum(np.abs(matrix).max(axis=1, keepdims=True), 1e-12) / 127
    codes = op.constant(np.rint(matrix / scales).astype(np.int8))
    return op.multiply(op.convert(codes, "f32"), _constant(scales))


def _constant(values: float | Float) -> ov.Node:
    return op.constant(np.asarray(values, np.float32))
