"""What each kind of evidence weighs in recall's order; bench/quality.py measures the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and standard deviation of a query's similarity to a random part of the catalog."""

    mean: float
    deviation: float

    def standardised(self, similarities: NDArray[np.float32]) -> NDArray[np.float32]:
        """How many deviations above what any product of this catalog would reach; nan stays nan."""
        if self.deviation <= 1e-6:
            return np.zeros_like(similarities)
        return (similarities - np.float32(self.mean)) / np.float32(self.deviation)


@dataclass(frozen=True, slots=True)
class Weights:
    """What each kind of evidence counts."""

    coverage: float
    agreement: float
    text: float
    picture: float


WORDS = Weights(coverage=1.0, agreement=0.3, text=0.1, picture=0.08)
"""For a query of words."""
PICTURE = Weights(coverage=0.0, agreement=0.0, text=0.0, picture=1.0)
"""For a query that is a picture."""
PICTURE_AND_WORDS = Weights(coverage=1.0, agreement=3.0, text=0.1, picture=1.0)
"""For "this one, but in red": the picture says what, the words say what is different."""


def relative_coverage(coverage: NDArray[np.float32]) -> NDArray[np.float32]:
    """Coverage measured halfway against the best candidate's: of a long query no product has every word."""
    best = float(coverage.max(initial=0.0))
    return coverage / np.float32(np.sqrt(best)) if best > 0 else coverage
