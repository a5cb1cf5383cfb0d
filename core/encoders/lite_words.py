"""Texts as the lite encoder reads them: centred vectors of a text and of its English, and the colours it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.encoders.bridge import Columns, unit_rows
from core.encoders.colour import COLOUR_DIM, colour_word_vectors
from core.encoders.e5 import E5Text

Float = NDArray[np.float32]

GLOSS_SHARE = 2 / 3
"""Of a Chinese query's meaning for pictures; the Chinese itself has the rest."""
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"[a-z]+")
_OTHER_NAMES = {
    "grey": "gray",
    "silver": "gray",
    "gold": "yellow",
    "golden": "yellow",
    "violet": "purple",
    "lilac": "purple",
    "teal": "turquoise",
    "cyan": "turquoise",
    "crimson": "red",
    "scarlet": "red",
    "khaki": "beige",
    "cream": "beige",
    "tan": "beige",
}


@dataclass(frozen=True, slots=True)
class Read:
    """n texts, in input order."""

    texts: Float
    """(n, 384): centred vectors of length 1, of a Chinese text the middle of its own and its English one's."""
    own: Float
    """(n, 384): centred vectors of the texts as they stand."""
    english: Float
    """(n, 384): those of their English; the same for texts without Chinese."""
    glossed: NDArray[np.bool_]
    """(n,): which texts hold Chinese that has English."""
    words: tuple[str, ...]
    """Their English words."""


class Words:
    """Reads texts; `gloss` puts the Chinese in a text into English, None where there is none."""

    def __init__(self, e5: E5Text, columns: Columns, gloss: Callable[[str], str | None]) -> None:
        self._e5 = e5
        self._gloss = gloss
        self._centres = {
            (as_query, chinese): columns[
                f"{'chinese' if chinese else 'english'}_{'query' if as_query else 'text'}_centre"
            ].astype(np.float32)
            for as_query in (False, True)
            for chinese in (False, True)
        }

    def read(self, texts: Sequence[str], *, as_query: bool) -> Read:
        """Both readings of each text; a text without letters is as good as any other."""
        english = [self._gloss(text) or "" if _HAN.search(text) else "" for text in texts]
        glossed = np.array([bool(words) for words in english], bool)
        both = self._e5.encode([*texts, *filter(None, english)], as_query=as_query)
        chinese = np.array([bool(_HAN.search(text)) for text in texts], bool)
        centres = np.where(chinese[:, None], self._centres[as_query, True], self._centres[as_query, False])
        own = unit_rows(both[: len(texts)] - centres)
        meant = own.copy()
        meant[glossed] = unit_rows(both[len(texts) :] - self._centres[as_query, False])
        words = tuple(gloss or text for gloss, text in zip(english, texts, strict=True))
        return Read(unit_rows(own + meant), own, meant, glossed, words)


def colours_named(texts: Sequence[str]) -> Float:
    """(n, 180): the colours that each English text names, length 1, zeros where it names none."""
    vectors = colour_word_vectors()
    named = np.zeros((len(texts), COLOUR_DIM), np.float32)
    for number, text in enumerate(texts):
        for word in _WORD.findall(text.lower()):
            vector = vectors.get(_OTHER_NAMES.get(word, word))
            if vector is not None:
                named[number] += vector
    return unit_rows(named)
