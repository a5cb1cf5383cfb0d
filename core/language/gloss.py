"""English for the Chinese in a text, word by word: the vocabulary's own words first, then CC-CEDICT's."""

from __future__ import annotations

from collections.abc import Sequence

from core.language.reading import Reader, Word

_GLUE = {"和": "and", "与": "and", "及": "and", "或": "or", "无": "no", "没有": "no", "不": "not"}
LONGEST_TOLD = 3  # words
LONGEST_COMPOUND = 4  # characters
# Shops use words for looks and makings in senses of their own (修身 is slim fit, not self-cultivation).
_LITERAL = frozenset({"kind", "color", "gender", "age", "occasion", "activity", "room"})
_GRAMMAR = {"not": "without"}
_BARE_WEARERS = frozenset({"man", "male", "woman", "female", "lady", "boy", "girl", "child"})


def gloss_of(words: Sequence[Word], reader: Reader) -> str:
    """The gloss of the words of a text, in their order; what has no English is left out."""
    parts: list[str] = []
    for word in words:
        part = _gloss(word, reader)
        if part and (not parts or parts[-1] != part):
            parts.append(part)
    return " ".join(parts)


def _gloss(word: Word, reader: Reader) -> str:
    piece = word.piece
    if not any(atom.is_han for atom in piece.words):
        return piece.text
    if piece.text in _GLUE:
        return _GLUE[piece.text]
    if word.grammar is not None:
        return _GRAMMAR.get(word.grammar, "")
    told = reader.dictionary.gloss(piece.text)
    if word.concept is None:
        return told or _by_character(piece.text, reader)
    if told and _is_closer(told, word, reader):
        return told
    spoken = [reader.vocabulary.concept(concept).english for concept in (*reader.further(word), word.concept)]
    return " ".join(dict.fromkeys(spoken))


def _is_closer(told: str, word: Word, reader: Reader) -> bool:
    """Whether the dictionary says it better: it knows the one word, the vocabulary names a group of synonyms."""
    concept = reader.vocabulary.concept(word.concept or "")
    if told in _BARE_WEARERS or word.piece.text == concept.chinese:
        return False
    literal = concept.kind in _LITERAL or concept.id in reader.meanings(told)
    return literal and len(told.split()) <= LONGEST_TOLD


def _by_character(text: str, reader: Reader) -> str:
    """A word of no dictionary is glossed by its characters when it is short enough to be a compound."""
    if len(text) > LONGEST_COMPOUND:
        return ""
    return " ".join(filter(None, (reader.dictionary.gloss(character) for character in text)))
