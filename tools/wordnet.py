"""WordNet's nouns from its database files: which entry a class is, what lies above it, which nouns can be seen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEEN = (
    ("artifact", "man-made object"),
    ("animal", "a living organism characterized by voluntary"),
    ("food", "any substance that can be metabol"),
    ("food", "any solid substance"),
    ("plant", "lacking the power of locomotion"),
    ("fungus", "organism of the kingdom Fungi"),
    ("natural object", "occurring naturally"),
)
UNSEEN = ("person", "a human being")
PLANT = ("plant", "lacking the power of locomotion")
SENSES_READ = 3
_NOUN = re.compile(r"[a-z][a-z' -]{2,30}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One meaning: its words, the entries above it, its definition."""

    words: tuple[str, ...]
    above: tuple[str, ...]
    definition: str


class WordNet:
    """The noun part; build it with `read`."""

    def __init__(self, entries: dict[str, Entry], senses: dict[str, list[str]]) -> None:
        self._entries = entries
        self._senses = senses
        self.ancestors = cache(self._ancestors)

    @classmethod
    def read(cls, folder: Path) -> WordNet:
        """From a folder with data.noun and index.noun."""
        entries = dict(_entry(line) for line in _lines(folder / "data.noun"))
        return cls(entries, dict(_senses(line) for line in _lines(folder / "index.noun")))

    def words(self, synsets: Sequence[str]) -> list[str]:
        """All words of several entries."""
        return [word for synset in synsets for word in self._entries[synset].words]

    def match(self, names: Sequence[str], near: int) -> str:
        """The entry whose words are just these; of several the one nearest to the offset of another edition."""
        wanted = {name.lower() for name in names}
        found = {synset for name in wanted for synset in self._senses.get(name, ())}

        def fit(synset: str) -> tuple[float, int]:
            words = {word.lower() for word in self._entries[synset].words}
            return len(words & wanted) / len(words | wanted), -abs(int(synset) - near)

        return max(found, key=fit)

    def groups(self, synsets: Sequence[str]) -> dict[str, list[int]]:
        """For every entry above or at a class: the classes below it."""
        members: dict[str, list[int]] = {}
        for number, synset in enumerate(synsets):
            for above in sorted(self.ancestors(synset)):
                members.setdefault(above, []).append(number)
        return members

    def visible_nouns(self, members: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, str]]:
        """Words of one or two parts for things that a camera sees, each with its likeliest such meaning.

        Of a word's first meanings that is one above or at a class, else one that is no plant: a shop's cherry is no tree.
        """
        tops = {self._find(word, definition) for word, definition in SEEN}
        person, plant = self._find(*UNSEEN), self._find(*PLANT)
        proper = self._proper()
        for word, synsets in self._senses.items():
            if not _NOUN.fullmatch(word) or len(word.split()) > 2 or word in proper:
                continue
            read = [(synset, self.ancestors(synset)) for synset in synsets[:SENSES_READ]]
            seen = [(synset, above) for synset, above in read if above & tops and person not in above]
            if seen:
                yield word, max(seen, key=lambda sense: (sense[0] in members, plant not in sense[1]))[0]

    def information(self, synset: str, members: dict[str, list[int]], total: int) -> NDArray[np.float64]:
        """How telling the narrowest entry above both this one and each class is: minus the log of its share."""
        shared = np.zeros(total)
        above = [entry for entry in self.ancestors(synset) if entry in members]
        for entry in sorted(above, key=lambda entry: (-len(members[entry]), entry)):
            shared[members[entry]] = -np.log(len(members[entry]) / total)
        return shared

    def _ancestors(self, synset: str) -> frozenset[str]:
        above = (self.ancestors(entry) for entry in self._entries[synset].above)
        return frozenset({synset}).union(*above)

    def _find(self, word: str, definition: str) -> str:
        return next(s for s in self._senses[word] if definition in self._entries[s].definition)

    def _proper(self) -> set[str]:
        words = {word for entry in self._entries.values() for word in entry.words}
        return {word.lower() for word in words if word[:1].isupper()} - {w for w in words if w[:1].islower()}


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="latin-1") as lines:
        yield from (line for line in lines if not line.startswith("  "))


def _entry(line: str) -> tuple[str, Entry]:
    head, _, definition = line.partition(" | ")
    fields = head.split()
    count = int(fields[3], 16)
    words = tuple(fields[4 + 2 * i].replace("_", " ") for i in range(count))
    start = 5 + 2 * count
    pointers = [fields[start + 4 * i : start + 4 * i + 3] for i in range(int(fields[start - 1]))]
    above = tuple(target for kind, target, part in pointers if kind in ("@", "@i") and part == "n")
    return fields[0], Entry(words, above, definition.strip())


def _senses(line: str) -> tuple[str, list[str]]:
    fields = line.split()
    return fields[0].replace("_", " "), fields[6 + int(fields[3]) :]
