"""A picture as the model wants it, by open_clip's own steps: all but the arithmetic, which the model's graph does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray
from open_clip.transform import MaybeToTensor, PreprocessCfg, image_transform_v2
from PIL import Image

from core.types import Pixels

Prepared = NDArray[np.uint8]
"""uint8, (height, width, 3)."""
LONGEST_SHAPE = 16
"""Of a picture so many times as long as wide only the middle is shown: whole, its resizing would fill the memory."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """Resizing and cropping as the model was trained with; safe on many threads."""

    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    steps: Sequence[Callable[[Image.Image], Image.Image]]

    @classmethod
    def of(cls, facts: PreprocessCfg) -> Preparation:
        """The steps before a picture becomes a tensor."""
        steps = image_transform_v2(facts, is_train=False).transforms
        before = list(takewhile(lambda step: not isinstance(step, MaybeToTensor), steps))
        height, width = facts.size if isinstance(facts.size, tuple | list) else (facts.size, facts.size)
        return cls(height, width, tuple(facts.mean), tuple(facts.std), before)

    def prepare(self, image: Pixels) -> Prepared:
        """The picture at the model's size."""
        picture = _without_ends(Image.fromarray(image))
        for step in self.steps:
            picture = step(picture)
        return np.asarray(picture)


def _without_ends(picture: Image.Image) -> Image.Image:
    width, height = (min(side, LONGEST_SHAPE * min(picture.size)) for side in picture.size)
    if (width, height) == picture.size:
        return picture
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))
