"""Chinese words and their English glosses, from CC-CEDICT; alone knows the file in data/cedict."""

from __future__ import annotations

import gzip
from importlib.resources import files

LONGEST_WORD = 8
_COMMON_LENGTH = 4


class Dictionary:
    """English glosses of simplified Chinese words."""

    def __init__(self, glosses: dict[str, str]) -> None:
        self._glosses = glosses
        self._openings = frozenset(word[:_COMMON_LENGTH] for word in glosses if len(word) > _COMMON_LENGTH)

    @classmethod
    def load(cls) -> Dictionary:
        """The packaged dictionary: words, an empty line, glosses in the same order."""
        packed = files("core.language").joinpath("data", "cedict", "glosses.txt.gz").read_bytes()
        words, _, glosses = gzip.decompress(packed).decode().partition("\n\n")
        return cls(dict(zip(words.split("\n"), glosses.split("\n"), strict=True)))

    def __len__(self) -> int:
        return len(self._glosses)

    def gloss(self, word: str) -> str | None:
        """The English gloss of a word, None when it isn't in the dictionary."""
        return self._glosses.get(word)

    def lengths_at(self, text: str, start: int, end: int) -> list[int]:
        """The lengths, from two characters on, of the words that begin at `start` and end by `end`."""
        longest = LONGEST_WORD if text[start : start + _COMMON_LENGTH] in self._openings else _COMMON_LENGTH
        most, glosses = min(longest, end - start), self._glosses
        return [length for length in range(2, most + 1) if text[start : start + length] in glosses]
