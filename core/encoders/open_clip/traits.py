"""What is known of a model without its weights: its dimension, its preprocessing, and where a text of it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Ending = Literal["highest", "token", "padding", "none"]


@dataclass(frozen=True, slots=True)
class Span:
    """How many of a text's ids its vector depends on: behind them a tower without a look ahead needs none."""

    ending: Ending
    """The highest id stands for the text, or `token` does, `padding` is masked, or none: all ids count."""
    token: int = 0

    @property
    def is_cut(self) -> bool:
        """Whether texts may be cut to their own length, with the same vectors."""
        return self.ending != "none"

    def lengths(self, ids: Ids) -> Sequence[int]:
        """Of each row of ids, at least 1."""
        match self.ending:
            case "highest":
                found = ids.argmax(axis=1) + 1
            case "token":
                found = (ids == self.token).argmax(axis=1) + 1
            case "padding":
                found = (ids != self.token).sum(axis=1)
            case "none":
                found = np.full(len(ids), ids.shape[1])
        lengths: list[int] = np.maximum(found, 1).tolist()
        return lengths


@dataclass(frozen=True, slots=True)
class Traits:
    """Facts that go with a model's weights."""

    dim: int
    preprocessing: Mapping[str, Any]
    """open_clip's: size, mean, std, interpolation, resize mode, fill colour."""
    span: Span

    def as_json(self) -> dict[str, Any]:
        """What `of_json` reads."""
        span = [self.span.ending, self.span.token]
        return {"dim": self.dim, "preprocessing": dict(self.preprocessing), "span": span}

    @classmethod
    def of_json(cls, facts: Mapping[str, Any]) -> Traits:
        """From what `as_json` wrote."""
        return cls(int(facts["dim"]), facts["preprocessing"], Span(*facts["span"]))
