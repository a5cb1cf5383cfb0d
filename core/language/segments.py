"""Cuts a text into the pieces that mean something: forms of concepts, dictionary words, words; alone knows rjieba."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import rjieba

from core.language.dictionary import Dictionary
from core.language.vocabulary import Form, Vocabulary
from core.language.words import Atom, atoms, is_stop_word

_FORM, _CHARACTER_FORM, _WORD, _LITTLE, _UNKNOWN, _ACROSS = 1.0, 1.35, 1.15, 1.3, 1.6, 0.3


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text that is read as one."""

    start: int
    end: int
    """Character offsets in the text."""
    text: str
    """The folded words, joined by a space where the text has one."""
    words: tuple[Atom, ...]
    concepts: tuple[str, ...] = ()
    """What it may mean; none for a plain word, several for an ambiguous one."""
    known: bool = True
    """False for Chinese that is in no dictionary."""

    @property
    def is_han(self) -> bool:
        return self.words[0].is_han


class Segmenter:
    """The reading with the fewest pieces; a cut inside a word of the Chinese segmenter costs extra."""

    def __init__(self, vocabulary: Vocabulary, dictionary: Dictionary) -> None:
        self._vocabulary, self._dictionary = vocabulary, dictionary

    def pieces(self, text: str) -> list[Piece]:
        """The pieces of a clean text, in order."""
        sequence = atoms(text)
        inside = _inside_words(text, sequence)
        runs = _run_ends(sequence)
        steps = [self._steps(text, sequence, at, runs[at]) for at in range(len(sequence))]
        return self._merged(text, [self._piece(text, sequence, *cut) for cut in _cheapest(steps, inside)])

    def words_inside(self, text: str, start: int, end: int) -> list[str]:
        """Every dictionary word within a run of Chinese, overlapping ones too."""
        lengths_at = self._dictionary.lengths_at
        return [text[at : at + n] for at in range(start, end) for n in lengths_at(text, at, end)]

    def forms_inside(self, words: Sequence[Atom]) -> list[Form] | None:
        """The forms that fill a stretch completely, greedily from the left; None when they don't."""
        found: list[Form] = []
        at = 0
        while at < len(words):
            forms = [form for form in self._vocabulary.forms_at(words, at) if form.length < len(words)]
            if not forms:
                return None
            found.append(max(forms, key=lambda form: form.length))
            at += found[-1].length
        return found

    def _steps(self, text: str, sequence: Sequence[Atom], at: int, run_end: int) -> list[_Step]:
        atom = sequence[at]
        steps = [
            _Step(
                form.length,
                _CHARACTER_FORM if form.length == 1 and atom.is_han else _FORM,
                form.concepts,
                atom.is_han,
            )
            for form in self._vocabulary.forms_at(sequence, at)
        ]
        taken = {step.length for step in steps}
        if atom.is_han:
            lengths = self._dictionary.lengths_at(text, atom.start, sequence[run_end - 1].end)
            steps += [_Step(n, _WORD, (), True) for n in lengths if n not in taken]
        if 1 not in taken:
            steps.append(_Step(1, _alone(atom), (), atom.is_han))
        return steps

    def _piece(self, text: str, sequence: Sequence[Atom], start: int, step: _Step) -> Piece:
        words = tuple(sequence[start : start + step.length])
        span = text[words[0].start : words[-1].end]
        spelled = "".join(atom.word for atom in words) if words[0].is_han else " ".join(a.word for a in words)
        known = bool(step.concepts) or not words[0].is_han or len(span) > 1 or is_stop_word(span)
        return Piece(words[0].start, words[-1].end, spelled, words, step.concepts, known)

    def _merged(self, text: str, pieces: list[Piece]) -> list[Piece]:
        """Neighbouring Chinese characters that are in no word make one unknown word."""
        merged: list[Piece] = []
        for piece in pieces:
            last = merged[-1] if merged else None
            if last and not piece.known and not last.known and last.end == piece.start:
                merged[-1] = Piece(
                    last.start, piece.end, last.text + piece.text, last.words + piece.words, known=False
                )
            else:
                merged.append(piece)
        return merged


@dataclass(frozen=True, slots=True)
class _Step:
    length: int
    cost: float
    concepts: tuple[str, ...]
    is_han: bool


def _alone(atom: Atom) -> float:
    if not atom.is_han:
        return _FORM
    return _LITTLE if is_stop_word(atom.word) else _UNKNOWN


def _cheapest(steps: Sequence[Sequence[_Step]], inside: Sequence[bool]) -> list[tuple[int, _Step]]:
    """The cheapest way through; among equals the longer first piece of a Latin text, the longer last one of Chinese."""
    size = len(steps)
    costs = [0.0] * (size + 1)
    chosen: list[_Step | None] = [None] * size
    for at in range(size - 1, -1, -1):
        best = float("inf")
        for step in steps[at]:
            end = at + step.length
            cost = step.cost + costs[end] + (_ACROSS if inside[end] else 0.0)
            before = chosen[at]
            if cost < best - 1e-9 or (
                cost < best + 1e-9 and before is not None and step.length > before.length
            ):
                best, chosen[at] = cost, step
        costs[at] = best
    way: list[tuple[int, _Step]] = []
    at = 0
    while at < size and (step_here := chosen[at]) is not None:
        way.append((at, step_here))
        at += step_here.length
    return way


def _inside_words(text: str, sequence: Sequence[Atom]) -> list[bool]:
    """For every atom, and the end, whether the Chinese segmenter sees it inside a word."""
    if not any(atom.is_han for atom in sequence):
        return [False] * (len(sequence) + 1)
    starts = {0}
    at = 0
    for word in rjieba.cut(text):
        at += len(word)
        starts.add(at)
    return [atom.is_han and atom.start not in starts for atom in sequence] + [False]


def _run_ends(sequence: Sequence[Atom]) -> list[int]:
    """For every atom the index after the last of its run of Chinese characters."""
    ends = [0] * len(sequence)
    for at in range(len(sequence) - 1, -1, -1):
        following = at + 1 < len(sequence) and sequence[at + 1].is_han and sequence[at + 1].joined
        ends[at] = ends[at + 1] if following else at + 1
    return ends
