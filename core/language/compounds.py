"""Things whose Chinese name is a property and a wider thing, which titles set apart: 连帽 … 卫衣 is a 连帽卫衣."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.language.reading import GOODS, Reader, Word
from core.language.vocabulary import Concept
from core.language.words import atoms

_WORN = frozenset({"kind:clothing", "kind:footwear", "kind:bag", "kind:accessory", "kind:jewellery"})
_FRONTS = frozenset({"pattern", "feature", "material", "technique"})
_ALIKE = frozenset({"material", "pattern"})
_SHORTEST_FRONT = 2


@dataclass(frozen=True, slots=True)
class Compound:
    """A thing that is `head` with a property; `id` is its concept."""

    head: str
    id: str


class Compounds:
    """Which things a title names in parts."""

    def __init__(self, reader: Reader) -> None:
        self._vocabulary = reader.vocabulary
        self._by_front: dict[str, list[Compound]] = {}
        for concept_id in sorted(reader.vocabulary.of_kind(GOODS)):
            concept = reader.vocabulary.concept(concept_id)
            if not _WORN.isdisjoint(concept.broader):
                for front, head in self._parts(concept):
                    self._by_front.setdefault(front, []).append(Compound(head, concept_id))

    def named(self, words: Sequence[Word]) -> Iterator[str]:
        """The things that the words name in parts, each with its ancestors."""
        things = {word.concept for word in words if word.is_goods and word.concept}
        things.update(*(self._vocabulary.concept(thing).broader for thing in things))
        for word in (word for word in words if word.piece.is_han):
            for front in (word.piece.text, *word.concepts, *word.implied):
                for compound in self._by_front.get(front, ()):
                    if compound.head in things:
                        yield compound.id
                        yield from self._vocabulary.concept(compound.id).broader

    def _parts(self, concept: Concept) -> Iterator[tuple[str, str]]:
        """The property that the Chinese name begins with, and the wider thing that it ends with.

        A material or pattern counts by its meaning; other properties as they are written, for their words are
        too unlike: 修身 is not 包臀.
        """
        words = atoms(concept.chinese)
        for form in self._vocabulary.forms_at(words, 0):
            kind = form.concepts[0].partition(":")[0]
            if form.length < _SHORTEST_FRONT or kind not in _FRONTS:
                continue
            rest = words[form.length :]
            for head in self._vocabulary.forms_at(rest, 0) if rest else ():
                wider = [each for each in head.concepts if each in concept.broader]
                if head.length == len(rest) and wider:
                    spelled = "".join(atom.word for atom in words[: form.length])
                    yield (form.concepts[0] if kind in _ALIKE else spelled), wider[0]


@lru_cache(maxsize=2)
def compounds_of(reader: Reader) -> Compounds:
    """The compounds of a reader's vocabulary."""
    return Compounds(reader)
