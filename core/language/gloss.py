"""English for the Chinese in a text, word by word: the vocabulary's own words first, then CC-CEDICT's."""

from __future__ import annotations

from collections.abc import Sequence

from core.language.reading import Reader, Word

_GLUE = {"和": "and", "与": "and", "及": "and", "或": "or", "无": "no", "没有": "no", "不": "not"}
_GRAMMAR = {"not": "without"}


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
    if word.concept is not None:
        return reader.vocabulary.concept(word.concept).english
    if word.grammar is not None:
        return _GRAMMAR.get(word.grammar, "")
    return reader.dictionary.gloss(piece.text) or _by_character(piece.text, reader)


def _by_character(text: str, reader: Reader) -> str:
    """A word of no dictionary is glossed by its characters when it is short enough to be a compound."""
    if len(text) > 2:
        return ""
    return " ".join(filter(None, (reader.dictionary.gloss(character) for character in text)))
