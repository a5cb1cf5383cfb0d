"""EfficientNet-Lite weights to an ONNX graph: uint8 pixels in, pooled features and logits out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

State = Mapping[str, torch.Tensor]
BN_EPSILON = 1e-3
MEAN, DEVIATION = 127, 128
"""The towers were trained on (pixel - 127) / 128."""
DEPTHS = {"lite0": 1.0, "lite1": 1.1, "lite2": 1.2}
STAGES = ["r1k3s1e1", "r2k3s2e6", "r2k5s2e6", "r3k3s2e6", "r3k5s1e6", "r4k5s2e6", "r1k3s1e6"]


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted residual block; its widths are read from the weights."""

    stride: int
    residual: bool


@dataclass(frozen=True, slots=True)
class Variant:
    """One tower: how deep it is, and the side of the picture that it is given (a multiple of 32)."""

    name: str
    size: int

    @property
    def depth(self) -> float:
        return DEPTHS[self.name]

    def blocks(self) -> Iterator[Block]:
        """All blocks in order; the first and the last stage aren't deepened in the Lite family."""
        for index, stage in enumerate(STAGES):
            repeats = int(stage[1])
            if 0 < index < len(STAGES) - 1:
                repeats = int(np.ceil(repeats * self.depth))
            for repeat in range(repeats):
                yield Block(stride=int(stage[5]) if repeat == 0 else 1, residual=repeat > 0)


class GraphWriter:
    """Writes one tower as an ONNX graph, batch norm folded into the convolutions."""

    def __init__(self, state: State) -> None:
        self._state = {name: tensor.double().numpy() for name, tensor in state.items()}
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def write(self, variant: Variant) -> onnx.ModelProto:
        """Input `pixels` uint8 (n, size, size, 3); outputs `features` (n, 1280) and `logits` (n, 1000)."""
        self._constant("scale", np.float32(1 / DEVIATION))
        self._constant("middle", np.uint8(MEAN))
        self._constant("six", np.float32(6))
        self._constant("zero", np.float32(0))
        # uint8 pixels are already a quantised tensor: normalising is to name its scale and zero point.
        self._node("Transpose", ["pixels"], "channels_first", perm=[0, 3, 1, 2])
        x = self._node("DequantizeLinear", ["channels_first", "scale", "middle"], "normalised")
        x = self._conv(x, "_conv_stem", "_bn0", stride=2)
        for index, block in enumerate(variant.blocks()):
            x = self._block(x, f"_blocks.{index}.", block)
        x = self._conv(x, "_conv_head", "_bn1")
        self._node("GlobalAveragePool", [x], "pooled")
        self._node("Flatten", ["pooled"], "features")
        self._constant("fc_weight", self._state["_fc.weight"].astype(np.float32))
        self._constant("fc_bias", self._state["_fc.bias"].astype(np.float32))
        self._node("Gemm", ["features", "fc_weight", "fc_bias"], "logits", transB=1)
        return self._model(variant)

    def _block(self, x: str, prefix: str, block: Block) -> str:
        entry = x
        if prefix + "_expand_conv.weight" in self._state:
            x = self._conv(x, prefix + "_expand_conv", prefix + "_bn0")
        x = self._conv(x, prefix + "_depthwise_conv", prefix + "_bn1", stride=block.stride)
        x = self._conv(x, prefix + "_project_conv", prefix + "_bn2", bounded=False)
        return self._node("Add", [x, entry], prefix + "sum") if block.residual else x

    def _conv(self, x: str, conv: str, norm: str, *, stride: int = 1, bounded: bool = True) -> str:
        s = self._state
        gain = s[f"{norm}.weight"] / np.sqrt(s[f"{norm}.running_var"] + BN_EPSILON)
        kernel = s[f"{conv}.weight"] * gain[:, None, None, None]
        self._constant(f"{conv}.kernel", kernel.astype(np.float32))
        bias = s[f"{norm}.bias"] - s[f"{norm}.running_mean"] * gain
        self._constant(f"{conv}.bias", bias.astype(np.float32))
        side = kernel.shape[2]
        # TensorFlow's SAME padding for even sides: what is missing goes behind, one more than before.
        before = (side - stride) // 2
        after = side - stride - before
        out = self._node(
            "Conv",
            [x, f"{conv}.kernel", f"{conv}.bias"],
            f"{conv}.out",
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=kernel.shape[0] if kernel.shape[1] == 1 else 1,
        )
        return self._node("Clip", [out, "zero", "six"], f"{conv}.relu6") if bounded else out

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=f"{output}/{kind}", **attributes))
        return output

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> None:
        self._weights.append(numpy_helper.from_array(np.asarray(value), name))

    def _model(self, variant: Variant) -> onnx.ModelProto:
        def tensor(name: str, kind: int, *shape: int) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, kind, ["n", *shape])

        graph = helper.make_graph(
            self._nodes,
            variant.name,
            [tensor("pixels", TensorProto.UINT8, variant.size, variant.size, 3)],
            [tensor("features", TensorProto.FLOAT, 1280), tensor("logits", TensorProto.FLOAT, 1000)],
            self._weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model
