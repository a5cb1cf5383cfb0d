"""How alike any text and any picture are to a query: what a similarity is high or low against where no shop tells."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Levels:
    """Mean and deviation of a question's similarities to any text, and to any picture."""

    text_mean: float
    text_deviation: float
    picture_mean: float
    picture_deviation: float

    def of_text(self, similarity: float) -> float:
        """How many deviations nearer a text is than any would be."""
        return (similarity - self.text_mean) / max(self.text_deviation, 1e-6)

    def of_picture(self, similarity: float) -> float:
        """How many deviations nearer a picture is than any would be."""
        return (similarity - self.picture_mean) / max(self.picture_deviation, 1e-6)


@dataclass(frozen=True, slots=True)
class Background:
    """Features of some texts and pictures of the demo shop."""

    texts: Row
    """Shape (n, text_dim): the first numbers of a text's long features; the others are zero."""
    pictures: Row
    """Shape (m, feature_dim - text_dim): the last numbers of a picture's; the others are zero."""

    @classmethod
    def load(cls) -> Background:
        """The packaged rows; tools/fit_judge.py makes them."""
        with as_file(files("rerank.lite").joinpath("background.npz")) as path, np.load(path) as file:
            return cls(
                *(
                    file[f"{of}_codes"].astype(np.float32) * file[f"{of}_scales"][:, None]
                    for of in ("text", "picture")
                )
            )

    @property
    def feature_dim(self) -> int:
        """Of the encoder that made them."""
        return int(self.texts.shape[1] + self.pictures.shape[1])

    def around(self, question: Row) -> Levels:
        """How near any text and any picture is to the question."""
        dim = self.texts.shape[1]
        texts, pictures = self.texts @ question[:dim], self.pictures @ question[dim:]
        return Levels(*(float(each) for of in (texts, pictures) for each in (of.mean(), of.std())))
