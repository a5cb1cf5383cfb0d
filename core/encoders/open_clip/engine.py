"""What runs a model's two towers, whichever library computes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.types import Vectors


class Engine(Protocol):
    """Both towers of one model; safe for many threads."""

    name: str
    """Library, device and numbers, for whoever wants to know what runs."""

    def pictures(self, pixels: NDArray[np.uint8]) -> Vectors:
        """uint8 (n, height, width, 3) to float32 (n, dim), rows of length 1."""

    def texts(self, ids: NDArray[np.int64]) -> Vectors:
        """Ids (n, tokens) to float32 (n, dim), rows of length 1."""

    def batch(self, shape: tuple[int, int]) -> int:
        """How many pictures of that height and width at a time are the quickest."""
