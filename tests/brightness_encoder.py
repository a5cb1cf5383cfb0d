"""The tests' second encoder: a picture is how bright it is, a text how bright the colours are that it names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.encoder import Encoded
from core.types import Pixels
from tests.color_encoder import mean_named


class BrightnessEncoder:
    """A direction between black and white: the mean of red, green and blue as an angle."""

    fingerprint = "brightness@1"
    dim = 2
    feature_dim = 0

    def __init__(self) -> None:
        self.pictures_encoded = 0
        self.texts_encoded = 0

    def encode_images(self, images: Sequence[Pixels]) -> Encoded:
        self.pictures_encoded += len(images)
        return _encoded([np.asarray(image, np.float32).mean() for image in images])

    def encode_texts(self, texts: Sequence[str], *, as_query: bool = False) -> Encoded:
        self.texts_encoded += len(texts)
        return _encoded([np.mean(mean_named(text)) for text in texts])


def _encoded(means: Sequence[np.floating]) -> Encoded:
    angles = np.array(means, np.float64) / 255 * (np.pi / 2)
    return Encoded(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
