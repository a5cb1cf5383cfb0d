"""Pictures to features: three int8 EfficientNet-Lite towers (OpenVINO is known here) and a colour histogram."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from PIL import Image

from core.encoders.colour import COLOUR_DIM, colour_histogram, thumbnail
from core.types import Pixels

Float = NDArray[np.float32]

MODELS = Path(__file__).parent / "models"
TOWERS = (("lite0", 288), ("lite1", 288), ("lite2", 320))
"""Name and input side of each tower; the sides must be multiples of 32."""
_SHARES = np.sqrt(np.array([0.64, 1.0, 1.44], np.float32) / 3.08)[:, None]
"""How much of a similarity each tower has, as lengths of its block: the deeper one sees more."""
TOWER_DIM = 1280
VISUAL_DIM = TOWER_DIM * len(TOWERS)
CLASSES = 1000
COLOUR_WEIGHT = 0.1
"""What the colours' similarity weighs beside the towers' similarity of 1; chosen on judged shops."""
_RECIPE = "pad-white hamming-chain 5"
_BATCH = 4


@dataclass(frozen=True, slots=True)
class Prepared:
    """One picture, ready for the towers."""

    squares: tuple[NDArray[np.uint8], ...]
    """One a tower, uint8, (side, side, 3), padded with white."""
    colour: Float


@dataclass(frozen=True, slots=True)
class PictureFeatures:
    """What the towers make of n pictures, in input order; always finite."""

    visual: Float
    """(n, 3840), rows of length 1: each tower's pooled features, scaled to its share."""
    colour: Float
    """(n, 180), rows of length 1: soft Lab histogram of the foreground, square-rooted."""
    logits: Float
    """(n, 1000): mean of the towers' ImageNet logits."""


@dataclass(frozen=True, slots=True)
class _Raw:
    """The towers' outputs, filled in as they arrive; frozen are the arrays, not their content."""

    pooled: Float
    logits: Float


def fitted(image: Image.Image, side: int) -> Image.Image:
    """The whole picture, its longer side brought to `side`."""
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.resize((width, height), Image.Resampling.HAMMING, reducing_gap=1.5)


def padded(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """The picture in the middle of a white square."""
    canvas = np.full((side, side, 3), 255, np.uint8)
    left, top = (side - image.width) // 2, (side - image.height) // 2
    canvas[top : top + image.height, left : left + image.width] = np.asarray(image)
    return canvas


class _Lane:
    """The towers' request queues that one caller holds for the time of a call."""

    def __init__(self, models: Sequence[ov.CompiledModel]) -> None:
        self._queues = [ov.AsyncInferQueue(model) for model in models]
        for tower, requests in enumerate(self._queues):
            requests.set_callback(partial(_collect, tower))

    def run(self, prepared: Sequence[Prepared]) -> _Raw:
        """All towers at once, each stream of the engine on one core: no waiting at barriers."""
        n = len(prepared)
        raw = _Raw(
            np.zeros((n, len(TOWERS), TOWER_DIM), np.float32), np.zeros((n, len(TOWERS), CLASSES), np.float32)
        )
        for rows in _chunks(n):
            for tower, requests in enumerate(self._queues):
                pixels = np.stack([picture.squares[tower] for picture in prepared[rows]])
                requests.start_async({"pixels": pixels}, (raw, rows))
        for requests in self._queues:
            requests.wait_all()
        return raw


class PictureTowers:
    """The picture side of the lite encoder; safe for many threads."""

    def __init__(self, models: Sequence[ov.CompiledModel], fingerprint: str) -> None:
        self._models = tuple(models)
        self._idle: deque[_Lane] = deque()
        self.fingerprint = fingerprint

    @classmethod
    def load(cls) -> PictureTowers:
        """Reads and compiles the weights that come with the product: about a second."""
        core = ov.Core()
        # Without f32 the engine picks bf16 for what isn't int8 where the CPU has it: other numbers on other CPUs.
        wish = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
        models = [core.compile_model(MODELS / f"{name}.onnx", "CPU", wish) for name, _ in TOWERS]
        return cls(models, _fingerprint())

    def encode(self, images: Sequence[Pixels]) -> PictureFeatures:
        """One row a picture, in input order."""
        return self.encode_prepared([self.prepare(image) for image in images])

    def prepare(self, image: Pixels) -> Prepared:
        """Padding, resizing and colours: the part that worker threads can do ahead of the towers."""
        largest = max(side for _, side in TOWERS)
        sizes = {largest: fitted(Image.fromarray(image), largest)}
        for _, side in TOWERS:
            # From the already small picture: a third of the time.
            sizes.setdefault(side, fitted(sizes[largest], side))
        squares = tuple(padded(sizes[side], side) for _, side in TOWERS)
        return Prepared(squares, colour_histogram(thumbnail(sizes[largest])))

    def encode_prepared(self, prepared: Sequence[Prepared]) -> PictureFeatures:
        """The towers' part; one row a picture, in input order."""
        try:
            lane = self._idle.pop()
        except IndexError:
            lane = _Lane(self._models)
        raw = lane.run(prepared)
        self._idle.append(lane)
        lengths = np.linalg.norm(raw.pooled, axis=2, keepdims=True)
        visual = raw.pooled * (_SHARES / np.maximum(lengths, 1e-9))
        return PictureFeatures(
            visual=visual.reshape(-1, VISUAL_DIM),
            colour=np.array([picture.colour for picture in prepared], np.float32).reshape(-1, COLOUR_DIM),
            logits=raw.logits.mean(axis=1),
        )


def _chunks(n: int) -> Iterator[slice]:
    """Fours, then ones: few enough pictures to stay in the cache, and only two shapes to prepare kernels for."""
    start = 0
    while start < n:
        size = _BATCH if n - start >= _BATCH else 1
        yield slice(start, start + size)
        start += size


def _collect(tower: int, request: ov.InferRequest, job: tuple[_Raw, slice]) -> None:
    raw, rows = job
    raw.pooled[rows, tower] = request.get_tensor("features").data
    raw.logits[rows, tower] = request.get_tensor("logits").data


def _fingerprint() -> str:
    """Weights, recipe and colour space in one short name."""
    manifest = json.loads((MODELS / "manifest.json").read_text("utf-8"))
    sums = [manifest["towers"][name]["sha256"] for name, _ in TOWERS]
    text = json.dumps([_RECIPE, TOWERS, COLOUR_DIM, sums])
    return "lite-towers-" + hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
