"""The fitted numbers: from evidence to a probability, and the file they are read from."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import orjson

Numbers = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A logistic regression: its bias and the weight of each kind of evidence."""

    bias: float
    weights: Numbers

    def logit(self, evidence: Numbers) -> float:
        """The evidence that has no weight here is passed over."""
        return self.bias + sum(weight * evidence[name] for name, weight in self.weights.items())


@dataclass(frozen=True, slots=True)
class Calibration:
    """All curves, by what is asked and by whether recall's view of the shop is known."""

    curves: Mapping[str, Curve]
    """`words/shop`, `words/alone`, `sentence/…`, `picture/…`, `both/shop`, `copy/alone`."""
    typical_shares: Numbers
    """Share of a shop's products that have a typical wish of each kind: how rare a word is where no shop tells."""
    digest: str

    @classmethod
    def load(cls) -> Calibration:
        """The packaged numbers; tools/fit_judge.py makes them."""
        content = files("rerank.lite").joinpath("calibration.json").read_bytes()
        whole = orjson.loads(content)
        curves = {name: Curve(each["bias"], each["weights"]) for name, each in whole["curves"].items()}
        return cls(curves, whole["typical_shares"], f"{zlib.crc32(content):08x}")


def probability(logit: float) -> float:
    """0…1."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1.0 + power)
