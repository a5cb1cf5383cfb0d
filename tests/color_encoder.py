"""The tests' encoder: a picture is its mean colour, a text the colours it names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.encoder import Encoded
from core.types import Pixels, Vectors

COLOURS: dict[str, tuple[float, float, float]] = {
    "black|黑": (0, 0, 0),
    "white|白": (255, 255, 255),
    "red|红|紅": (255, 0, 0),
    "green|绿|綠": (0, 255, 0),
    "blue|蓝|藍": (0, 0, 255),
    "yellow|黄|黃": (255, 255, 0),
    "orange|橙": (255, 140, 0),
    "pink|粉": (255, 160, 190),
    "purple|紫": (128, 0, 128),
    "brown|棕": (120, 70, 20),
    "gray|grey|灰": (128, 128, 128),
}


class ColorEncoder:
    """Four numbers that mean something: red, green and blue against mid-grey, and a constant."""

    fingerprint = "color@1"
    dim = 4
    feature_dim = 0

    def __init__(self) -> None:
        self.pictures_encoded = 0
        self.texts_encoded = 0

    def encode_images(self, images: Sequence[Pixels]) -> Encoded:
        self.pictures_encoded += len(images)
        means = [np.asarray(image, dtype=np.float32).reshape(-1, 3).mean(axis=0) for image in images]
        return Encoded(_unit(np.array(means, dtype=np.float32).reshape(-1, 3)))

    def encode_texts(self, texts: Sequence[str], *, as_query: bool = False) -> Encoded:
        self.texts_encoded += len(texts)
        return Encoded(_unit(np.array([mean_named(text) for text in texts], dtype=np.float32).reshape(-1, 3)))


def mean_named(text: str) -> tuple[float, float, float]:
    """The mean of the colours that a text names, mid-grey where it names none."""
    low = text.lower()
    named = [rgb for names, rgb in COLOURS.items() if any(name in low for name in names.split("|"))]
    red, green, blue = np.mean(named or [(127.5, 127.5, 127.5)], axis=0)
    return float(red), float(green), float(blue)


def _unit(rgb: Vectors) -> Vectors:
    centred = (rgb - 127.5) / 127.5
    rows = np.hstack([centred, np.full((len(rgb), 1), 0.5, dtype=np.float32)])
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit
