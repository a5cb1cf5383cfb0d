"""Pictures to features: three EfficientNet-Lite towers in int8 and a colour histogram; OpenVINO's picture side lives here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
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
TOWER_DIM = 1280
VISUAL_DIM = TOWER_DIM * len(TOWERS)
CLASSES = 1000
COLOUR_WEIGHT = 0.1
"""What the colours' similarity weighs beside the towers' similarity of 1; chosen on judged shops."""
_RECIPE = "pad-white bicubic 1"
_BATCH = 8


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
    """(n, 3840), rows of length 1: each tower's pooled features at equal weight."""
    colour: Float
    """(n, 180), rows of length 1: soft Lab histogram of the foreground, square-rooted."""
    logits: Float
    """(n, 1000): mean of the towers' ImageNet logits."""


def square(image: Image.Image, side: int) -> Image.Image:
    """The whole picture in the middle of a white square."""
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    resized = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(resized, ((side - width) // 2, (side - height) // 2))
    return canvas


class PictureTowers:
    """The picture side of the lite encoder; safe for many threads."""

    def __init__(self, models: Sequence[ov.CompiledModel], fingerprint: str) -> None:
        self._models = tuple(models)
        self.fingerprint = fingerprint

    @classmethod
    def load(cls) -> PictureTowers:
        """Reads and compiles the weights that come with the product: about a second."""
        core = ov.Core()
        wish = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        models = [core.compile_model(MODELS / f"{name}.onnx", "CPU", wish) for name, _ in TOWERS]
        return cls(models, _fingerprint())

    def encode(self, images: Sequence[Pixels]) -> PictureFeatures:
        """One row a picture, in input order."""
        return self.encode_prepared([self.prepare(image) for image in images])

    def prepare(self, image: Pixels) -> Prepared:
        """Padding, resizing and colours: the part that worker threads can do ahead of the towers."""
        picture = Image.fromarray(image)
        sides = {side: square(picture, side) for side in {side for _, side in TOWERS}}
        return Prepared(
            squares=tuple(np.asarray(sides[side]) for _, side in TOWERS),
            colour=colour_histogram(thumbnail(picture)),
        )

    def encode_prepared(self, prepared: Sequence[Prepared]) -> PictureFeatures:
        """The towers' part; one row a picture, in input order."""
        n = len(prepared)
        visual = np.zeros((n, len(TOWERS), TOWER_DIM), np.float32)
        logits = np.zeros((n, CLASSES), np.float32)
        for tower, model in enumerate(self._models):
            request = model.create_infer_request()
            for start in range(0, n, _BATCH):
                rows = slice(start, start + _BATCH)
                request.infer({"pixels": np.stack([p.squares[tower] for p in prepared[rows]])})
                visual[rows, tower] = request.get_tensor("features").data
                logits[rows] += request.get_tensor("logits").data / len(TOWERS)
        lengths = np.linalg.norm(visual, axis=2, keepdims=True)
        visual /= np.maximum(lengths, 1e-9) * np.sqrt(len(TOWERS), dtype=np.float32)
        colour = np.array([p.colour for p in prepared], np.float32).reshape(n, COLOUR_DIM)
        return PictureFeatures(visual.reshape(n, VISUAL_DIM), colour, logits)


def _fingerprint() -> str:
    """Weights, recipe and colour space in one short name."""
    manifest = json.loads((MODELS / "manifest.json").read_text("utf-8"))
    sums = [manifest["towers"][name]["sha256"] for name, _ in TOWERS]
    text = json.dumps([_RECIPE, TOWERS, COLOUR_DIM, sums])
    return "lite-towers-" + hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
