"""Words to pictures: which of 1000 picture classes a text speaks of, and how strongly a picture shows each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.encoders.lite_nouns import Nouns

Float = NDArray[np.float32]
Columns = Mapping[str, NDArray[np.generic]]

DATA = Path(__file__).parent / "data"

NAME_TEMPERATURE = 0.07
DESCRIPTION_TEMPERATURE = 0.06
NAMING_TEMPERATURE = 2.0
NAMED_LENGTH = 20.0
"""Length of a picture's named block: its 384 numbers get about as large as its class evidence, which int8 rows need."""
NAMES_WEIGHT, DESCRIPTIONS_WEIGHT, NOUNS_WEIGHT, NAMED_WEIGHT = 1 / 0.35, 1 / 0.45, 0.3 / 0.35, 2 / 0.25
"""Each part's weight over its usual spread on pictures, so that the parts weigh 1 : 1 : 0.3 : 2."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Names and descriptions of the picture classes, and groups of classes, in the text tower's space."""

    names: Float
    """(names, 384), rows of length 1, centred."""
    first_name: NDArray[np.int64]
    """Where each class's names begin; behind the classes come the groups."""
    descriptions: Float
    """(1000, 384), rows of length 1, centred."""
    named: Float
    """(1000, 384): what a picture of the class is called, rows of length 1."""
    members: NDArray[np.int64]
    """The classes of the groups, one group after the other."""
    first_member: NDArray[np.int64]
    naming_temperature: float = NAMING_TEMPERATURE

    @classmethod
    def of(cls, columns: Columns) -> Classes:
        """From the columns of the data file."""
        descriptions = _rows(columns, "description")
        sizes = columns["group_sizes"].astype(np.int64)
        return cls(
            names=_rows(columns, "name"),
            first_name=np.flatnonzero(np.diff(columns["name_owner"].astype(np.int64), prepend=-1)),
            descriptions=descriptions,
            named=unit_rows(_rows(columns, "short") + 0.5 * descriptions),
            members=columns["group_members"].astype(np.int64),
            first_member=np.concatenate([[0], np.cumsum(sizes)[:-1]]),
        )

    def evidence(self, logits: Float) -> Float:
        """(n, classes + groups): the logits, and for each group the soft maximum of its classes'."""
        chosen = logits[:, self.members]
        high = np.maximum.reduceat(chosen, self.first_member, axis=1)
        spread = np.repeat(high, np.diff(self.first_member, append=len(self.members)), axis=1)
        sums = np.add.reduceat(np.exp(chosen - spread), self.first_member, axis=1)
        return np.concatenate([logits, np.log(sums) + high], axis=1)


class Bridge:
    """Texts and pictures as vectors whose dot product says how well a picture shows what a text speaks of."""

    def __init__(self, columns: Columns) -> None:
        self.classes = Classes.of(columns)
        self._nouns = Nouns.of(columns)
        self._mean = columns["evidence_mean"].astype(np.float32)
        self._deviation = columns["evidence_deviation"].astype(np.float32)
        self._named_mean = columns["named_mean"].astype(np.float32)
        self.dim = len(self._mean) + self.classes.named.shape[1]

    def texts(self, meanings: Float, words: Sequence[str]) -> Float:
        """(n, dim) from the texts' centred unit vectors and their English words."""
        alike = np.maximum.reduceat(meanings @ self.classes.names.T, self.classes.first_name, axis=1)
        weights = NAMES_WEIGHT * softmax_rows(alike, NAME_TEMPERATURE)
        described = softmax_rows(meanings @ self.classes.descriptions.T, DESCRIPTION_TEMPERATURE)
        count = described.shape[1]
        weights[:, :count] += DESCRIPTIONS_WEIGHT * described + NOUNS_WEIGHT * self._nouns.weights(words)
        return np.concatenate([weights, NAMED_WEIGHT / NAMED_LENGTH * meanings], axis=1)

    def pictures(self, logits: Float) -> Float:
        """(n, dim) from the towers' logits."""
        evidence = (self.classes.evidence(logits) - self._mean) / self._deviation
        # Level and of equal length: else a picture that excites many classes would come first for every text.
        level = evidence - evidence.mean(axis=1, keepdims=True)
        evidence = np.float32(np.sqrt(len(self._mean))) * unit_rows(level)
        named = softmax_rows(logits, NAMING_TEMPERATURE) @ self.classes.named
        return np.concatenate([evidence, NAMED_LENGTH * unit_rows(named - self._named_mean)], axis=1)


def softmax_rows(values: Float, temperature: float) -> Float:
    """Shares that sum to 1 in each row."""
    powers = np.exp((values - values.max(axis=1, keepdims=True)) / np.float32(temperature))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def unit_rows(values: Float) -> Float:
    """Rows of length 1; a row of zeros stays."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-9), dtype=np.float32)


def _rows(columns: Columns, name: str) -> Float:
    scales = columns[f"{name}_scales"].astype(np.float32)
    return columns[f"{name}_codes"].astype(np.float32) * scales[:, None]
