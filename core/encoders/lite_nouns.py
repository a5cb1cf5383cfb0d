"""Nouns of visible things that a text holds, and the picture classes nearest to each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[a-z][a-z'-]*")
_PLURALS = (("ies", "y"), ("ves", "f"), ("es", ""), ("s", ""))
_UNEVEN = {
    "mice": "mouse",
    "geese": "goose",
    "knives": "knife",
    "leaves": "leaf",
    "teeth": "tooth",
    "feet": "foot",
}
_EARLIER = 0.5
"""English says the thing last: what comes before it tells less."""


class Nouns:
    """A noun to its classes; build it with `of`."""

    def __init__(self, rows: Mapping[str, int], targets: NDArray[np.float32]) -> None:
        self._rows = rows
        self._targets = targets

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[np.generic]]) -> Nouns:
        """From the columns of the data file."""
        words = columns["nouns"].tobytes().decode().split("\n")
        numbers: list[int] = columns["noun_target"].tolist()
        return cls(dict(zip(words, numbers, strict=True)), columns["targets"].astype(np.float32))

    def weights(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, classes): shares that sum to 1 where a text holds a known noun, zeros where it holds none."""
        weights = np.zeros((len(texts), self._targets.shape[1]), np.float32)
        for number, text in enumerate(texts):
            found = list(self._found(_WORD.findall(text.lower())))
            for row in found[:-1]:
                weights[number] += _EARLIER * self._targets[row]
            if found:
                weights[number] += self._targets[found[-1]]
                weights[number] /= max(1.0, float(weights[number].sum()))
        return weights

    def _found(self, words: list[str]) -> Iterator[int]:
        """Rows of the nouns in their order, pairs of words before single ones."""
        at = 0
        while at < len(words):
            for length in (2, 1):
                row = self._row(words[at : at + length]) if at + length <= len(words) else None
                if row is not None:
                    yield row
                    at += length - 1
                    break
            at += 1

    def _row(self, words: list[str]) -> int | None:
        *first, last = words
        for form in _singulars(last):
            row = self._rows.get(" ".join([*first, form]))
            if row is not None:
                return row
        return None


def _singulars(word: str) -> Iterator[str]:
    yield word
    if word in _UNEVEN:
        yield _UNEVEN[word]
    for ending, instead in _PLURALS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word.removesuffix(ending) + instead
