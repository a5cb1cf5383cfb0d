"""Measures how large the inputs of e5's linear layers get, over made-up texts; writes core/encoders/e5/ranges.npz.

    python -m tools.measure_e5_ranges

The texts are drawn with a fixed seed from product phrases in several languages and from the model's own
vocabulary, so that anybody gets the same file, and none of them comes from a catalogue that is judged.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from core.encoders.e5.graph import constant, encoder_graph
from core.encoders.e5.network import RANGES_FILE, compile_graph
from core.encoders.e5.text import PASSAGE_PREFIX, QUERY_PREFIX, input_rows
from core.encoders.e5.tokens import Tokenizer
from core.encoders.e5.weights import Pieces, WeightsFile

SEED = 20_240_501
PHRASES = (
    "black hoodie for men",
    "machine wash, 100% cotton",
    "女士浅粉色连衣裙",
    "防水登山鞋 42码",
    "soft wool blanket • 150 × 200 cm",
    "it keeps you warm on cold mornings",
    "by Nike",
    "不锈钢保温杯 500ml",
    "stamp from Japan, 1975",
    "fresh strawberries 500 g",
    "red leather sofa with oak legs",
    "without sleeves",
    "儿童电动牙刷",
    "复古台灯",
    "The fabric wicks moisture away from your skin.",
    "chaussures de course légères",
    "Winterjacke mit Kapuze",
    "zapatos rojos",
    "Кожаная сумка",
    "フード付きパーカー",
    "가죽 지갑",
    "price $49.99",
    "NEW!!! SALE 50%",
    "smiling face",
    "usb-c charger 65W",
    "帽子",
    "手机壳 苹果15",
    "lipstick, shade 04 rosewood",
    "organic basmati rice",
    "A timeless design that goes with everything you own.",
)


def main() -> None:
    weights = WeightsFile.installed()
    pieces = weights.pieces()
    names, tapped = _tapped(weights)
    tokenizer, request = Tokenizer(pieces), tapped.create_infer_request()
    largest: dict[str, NDArray[np.float32]] = {}
    for text in _texts(pieces):
        rows, present = input_rows(weights, [tokenizer.ids(text)])
        answer = request.infer({0: rows, 1: present})
        for number, name in enumerate(names):
            largest[name] = np.maximum(largest.get(name, 0.0), answer[number + 1])
    path = Path(__file__).parents[1] / "core" / "encoders" / "e5" / RANGES_FILE
    halved: dict[str, Any] = {name: values.astype(np.float16) for name, values in largest.items()}
    np.savez_compressed(path, **halved)


def _tapped(weights: WeightsFile) -> tuple[list[str], ov.CompiledModel]:
    """The float32 network that also answers the largest magnitude of each input channel of its linear layers."""
    taps: dict[str, ov.Node] = {}

    def linear(inputs: ov.Node, name: str, matrix: NDArray[np.float32], bias: NDArray[np.float32]) -> ov.Node:
        taps[name] = op.reduce_max(op.abs(inputs), op.constant(np.array([0, 1], np.int64)))
        return op.add(op.matmul(inputs, constant(matrix), False, True), constant(bias.reshape(1, 1, -1)))

    graph = encoder_graph(weights, linear)
    graph.add_results([op.result(tap) for tap in taps.values()])
    return list(taps), compile_graph(graph)


def _texts(pieces: Pieces) -> Iterator[str]:
    chance = random.Random(SEED)
    words = [text for text in pieces.texts if len(text) > 1]
    for number in range(900):
        prefix = (QUERY_PREFIX, PASSAGE_PREFIX)[number % 2]
        phrases = chance.sample(PHRASES, chance.randint(0, 12))
        strays = "".join(chance.choices(words, k=chance.choice((0, 0, 1, 3, 10, 40))))
        yield prefix + " ".join((*phrases, strays)).replace("▁", " ")


if __name__ == "__main__":
    main()
