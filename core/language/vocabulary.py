"""The concepts that shoppers and shops name, in both languages, and the forms that name them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable

from core.language.normal import clean
from core.language.words import Atom, Stemmer, atoms, singular

MAX_FORM_CHARACTERS = 80
_ASCII_WORD = re.compile(r"[0-9]+[.,][0-9]+[a-z0-9]*|[a-z0-9]+(?:'[a-z0-9]+)*")
_TAKES_ZI = frozenset("裤裙鞋靴帽袜")
"""Nouns that speech ends in 子: 阔腿裤 is called 阔腿裤子, too."""
_ALL_HAN = re.compile("[㐀-䶿一-鿿]+")


@dataclass(frozen=True, slots=True)
class Concept:
    """One meaning: "color:navy", its ancestors, and the English words that explain it best."""

    id: str
    english: str
    chinese: str = ""
    """The Chinese form that the English one translates; other forms may be narrower."""
    parents: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What the concept is about: color, material, kind (things for sale), …"""
        return self.id.partition(":")[0]


@dataclass(slots=True)
class _Node:
    edges: dict[str, _Node] = field(default_factory=dict)
    concepts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A stretch of atoms that names concepts: more than one when the words are ambiguous (orange)."""

    length: int
    concepts: tuple[str, ...]


class Vocabulary:
    """Finds the forms that begin at an atom."""

    def __init__(self, rows: Iterable[str], stemmer: Stemmer) -> None:
        self._stemmer = stemmer
        self._root = _Node()
        self._concepts: dict[str, Concept] = {}
        self.nouns: set[str] = set()
        self._kinds: dict[str, frozenset[str]] = {}
        self._narrower: dict[str, frozenset[str]] = {}
        entries = [_entry(row) for row in rows]
        parents: dict[str, tuple[str, ...]] = {}
        for entry in entries:
            parents[entry.id] = tuple(dict.fromkeys(parents.get(entry.id, ()) + entry.parents))
        english = {entry.id: entry.english[0] for entry in reversed(entries) if entry.english}
        chinese = {entry.id: entry.chinese[0] for entry in reversed(entries) if entry.chinese}
        for concept in parents:
            said = english.get(concept, concept.partition(":")[2].replace("-", " "))
            self._concepts[concept] = Concept(
                concept, said, chinese.get(concept, ""), parents[concept], _ancestors(concept, parents)
            )
        self._insert(entries)

    @classmethod
    def load(cls, stemmer: Stemmer) -> Vocabulary:
        """The packaged vocabulary: every data/*.tsv."""
        return cls(_rows(files("core.language").joinpath("data")), stemmer)

    def __len__(self) -> int:
        return len(self._concepts)

    def __contains__(self, concept: str) -> bool:
        return concept in self._concepts

    def of_kind(self, kind: str) -> frozenset[str]:
        """The ids of all concepts of a kind, such as `color`."""
        if kind not in self._kinds:
            self._kinds[kind] = frozenset(each for each in self._concepts if each.startswith(f"{kind}:"))
        return self._kinds[kind]

    def narrower(self, concept_id: str) -> frozenset[str]:
        """The ids of all concepts that have this one as an ancestor."""
        if not self._narrower:
            below: dict[str, set[str]] = {}
            for concept in self._concepts.values():
                for ancestor in concept.broader:
                    below.setdefault(ancestor, set()).add(concept.id)
            self._narrower = {ancestor: frozenset(ids) for ancestor, ids in below.items()}
        return self._narrower.get(concept_id, frozenset())

    def concept(self, concept_id: str) -> Concept:
        """The concept of an id; one that is only named as a parent has no forms and no ancestors."""
        return self._concepts.get(concept_id) or Concept(
            concept_id, concept_id.partition(":")[2].replace("-", " ")
        )

    def forms_at(self, sequence: Sequence[Atom], start: int) -> list[Form]:
        """The forms that begin at an atom, every length once."""
        found: dict[int, tuple[str, ...]] = {}
        node, at, size = self._root, start, len(sequence)
        # Chinese has one key an atom, so most texts need no search: only words branch.
        while at < size and sequence[at].script != "word" and (at == start or sequence[at].joined):
            child = node.edges.get(sequence[at].word)
            if child is None:
                break
            node, at = child, at + 1
            if node.concepts:
                found[at - start] = node.concepts
        else:
            self._walk(node, sequence, at, at - start, found)
        return [Form(length, concepts) for length, concepts in found.items()]

    def _walk(
        self, node: _Node, sequence: Sequence[Atom], at: int, length: int, found: dict[int, tuple[str, ...]]
    ) -> None:
        if node.concepts and length not in found:
            found[length] = node.concepts
        if at >= len(sequence) or (length and not sequence[at].joined):
            return
        for key in self._keys(sequence[at]):
            child = node.edges.get(key)
            if child is not None:
                self._walk(child, sequence, at + 1, length + 1, found)

    def _keys(self, atom: Atom) -> tuple[str, ...]:
        """A word as it stands, its singular, and, of a word with an ending only, the forms of the same stem."""
        word = atom.word
        if atom.script != "word" or len(word) < 3:
            return (word,)
        one = singular(word)
        if word.endswith(("ing", "ed")):
            return (word, one, "=" + self._stemmer.stem(word))
        return (word,) if one == word else (word, one)

    def _insert(self, entries: Sequence[_Entry]) -> None:
        spelled = [(entry.id, _words(form)) for entry in entries for form in entry.forms]
        for concept, words in spelled:
            self._put(words, concept, True)
        for concept, words in spelled:
            if words[-1] in _TAKES_ZI and len(words) > 1 and concept.startswith("kind:"):
                self._put([*words, "子"], concept, False)
            if not words[-1].isascii():
                continue
            ones = [singular(word) for word in words]
            if concept.startswith("kind:"):
                self.nouns.update(ones)
            else:
                self._put([*words[:-1], "=" + self._stemmer.stem(words[-1])], concept, False)
            if ones != words and not _is_plural(words[-1]):
                self._put(ones, concept, False)
            if len(words) == 2 and len("".join(words)) > 5 and "".join(words).isalpha():
                self._put(["".join(words)], concept, False)

    def _put(self, words: Sequence[str], concept: str, shared: bool) -> None:
        """Lays a form; one derived from another spelling never joins a form that is written out."""
        node = self._root
        for word in words:
            node = node.edges.setdefault(word, _Node())
        if not node.concepts:
            node.concepts = (concept,)
        elif shared and concept not in node.concepts:
            node.concepts += (concept,)


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    parents: tuple[str, ...]
    english: tuple[str, ...]
    chinese: tuple[str, ...]

    @property
    def forms(self) -> tuple[str, ...]:
        return self.english + self.chinese


def _entry(row: str) -> _Entry:
    cells = [*row.rstrip("\r\n").split("\t"), "", "", ""]
    parents, english, chinese = (
        tuple(part.strip() for part in cell.split(mark) if part.strip())
        for cell, mark in zip(cells[1:4], ",||", strict=True)
    )
    return _Entry(cells[0].strip(), parents, english, chinese)


def _ancestors(concept: str, parents: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """All ancestors, the nearest first; a circle in the data ends where it began."""
    found: dict[str, None] = {}
    level = parents.get(concept, ())
    while level:
        fresh = [parent for parent in level if parent not in found and parent != concept]
        found.update(dict.fromkeys(fresh))
        level = tuple(grand for parent in fresh for grand in parents.get(parent, ()))
    return tuple(found)


def _words(form: str) -> list[str]:
    """The folded words of a form; the quick ways give what atoms() gives, and most forms take them."""
    if form.isascii():
        return [word.replace("'", "") for word in _ASCII_WORD.findall(form)]
    if _ALL_HAN.fullmatch(form):
        return list(form)
    return [atom.word for atom in atoms(clean(form, MAX_FORM_CHARACTERS))]


def _is_plural(word: str) -> bool:
    return word.isascii() and singular(word) != word and word.endswith("s") and not word.endswith("ss")


def _rows(folder: Traversable) -> Iterator[str]:
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".tsv"):
            for row in file.read_text(encoding="utf-8").split("\n"):
                if row.strip() and not row.startswith("#"):
                    yield row
