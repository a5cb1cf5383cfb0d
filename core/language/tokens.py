"""The tokens that words have in the lexical index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from core.language.dimensions import spell_sides
from core.language.normal import has_han
from core.language.reading import Reader, Word
from core.language.terms import Unit
from core.language.vocabulary import Concept
from core.language.words import bigrams, is_stop_word

MOST_GLOSS_TOKENS = 4
_LOOSE = frozenset({"feature", "style", "activity", "occasion", "technique", "season", "room"})
_MEASURES = {
    "厘米": "cm", "公分": "cm", "毫米": "mm", "毫升": "ml", "千克": "kg", "公斤": "kg", "克": "g", "升": "l",
    "英寸": "inch", "寸": "inch", "瓦": "w", "毫安": "mah", "inches": "inch", "in": "inch", "litre": "l",
    "liter": "l", "grams": "g", "gram": "g", "watts": "w", "watt": "w",
}  # fmt: skip
_MEASURE = re.compile(
    # From the first digit alone: a number of a thousand digits would be looked at a thousand times.
    r"(?<!\d)(\d+(?:\.\d+)?)\s?("
    + "|".join(
        [
            *sorted(_MEASURES, key=len, reverse=True),
            "cm",
            "mm",
            "ml",
            "kg",
            "oz",
            "lb",
            "gb",
            "tb",
            "mah",
            "ft",
        ]
    )
    + r")(?![a-zA-Z])",
    re.IGNORECASE,
)


_MODEL = re.compile(r"([a-z]{1,12})(\d[a-z0-9]*)")
_TAIL = r"(?:pro|max|plus|ultra|mini|air|lite)"
_TAILS = re.compile(_TAIL)
_TAILED = re.compile(rf"(\d+)({_TAIL}+)")


def join_measures(text: str) -> str:
    """Writes a number and its unit as one word: 160 厘米 is 160cm, and 160x200 cm is 160cm 200cm."""
    return _MEASURE.sub(_measure, spell_sides(text))


def _measure(match: re.Match[str]) -> str:
    number, unit = match.group(1), match.group(2)
    closing = " " if not unit.isascii() else ""
    return f"{number}{_MEASURES.get(unit.lower(), unit.lower())}{closing}"


def unit_of(word: Word, reader: Reader) -> Unit:
    """What a word of a query asks for."""
    concept = word.concept
    if concept is None:
        return Unit(tuple(dict.fromkeys(_plain(word, reader))))
    tokens = [*word.concepts, *(_own(word, reader) if word.is_goods else _spelled(word, reader))]
    return Unit(tuple(dict.fromkeys(tokens)), concept, reader.vocabulary.concept(concept).broader)


def further_units(word: Word, reader: Reader) -> Iterator[Unit]:
    """What a word asks for besides its main meaning, when that doesn't say it already (a hiking boot is for hiking)."""
    for concept in reader.further(word):
        yield Unit((concept,), concept, reader.vocabulary.concept(concept).broader)
    if word.is_goods and word.concept is not None:
        # A product that says only part of a longer name (a rod for fishing) still meets that part.
        for atom in word.piece.words[:-1]:
            if atom.script == "word" and not is_stop_word(atom.word):
                yield Unit((reader.token(atom.word), word.concept))


def index_tokens(words: Sequence[Word], reader: Reader) -> Iterator[str]:
    """Every token under which the words of a product's text can be found."""
    yield from _model_names(words)
    for word in words:
        for concept in (*word.concepts, *word.implied):
            yield concept
            yield from reader.vocabulary.concept(concept).broader
        for atom in word.piece.words:
            if atom.script == "solid":
                yield from bigrams(atom.word)
            elif atom.is_han:
                yield atom.word
            elif not is_stop_word(atom.word):
                yield reader.token(atom.word)
        if word.piece.is_han:
            yield word.piece.text


def _model_names(words: Iterable[Word]) -> Iterator[str]:
    """Mate 60 Pro is found as mate60 and mate60pro too, and Mate60Pro by its parts mate, 60pro, 60 and pro."""
    before = model = ""
    for atom in (atom for word in words for atom in word.piece.words):
        if atom.joined and before and atom.word[0].isdigit():
            model = before + atom.word
            yield model
        elif atom.joined and model and _TAILS.fullmatch(atom.word):
            model += atom.word
            yield model
        else:
            model = ""
        before = atom.word if atom.script == "word" and atom.word.isalpha() and atom.word.isascii() else ""
        yield from _parts_of_model(atom.word)


def _parts_of_model(word: str) -> Iterator[str]:
    if parts := _MODEL.fullmatch(word):
        yield from parts.groups()
        word = parts.group(2)
    if tailed := _TAILED.fullmatch(word):
        yield tailed.group(1)
        yield from _TAILS.findall(tailed.group(2))


def han_tokens(text: str, words: Iterable[Word], reader: Reader) -> Iterator[str]:
    """The bigrams and all dictionary words of the Chinese runs among the words."""
    for start, end in _han_runs(words):
        if end - start > 1:
            yield from bigrams(text[start:end])
            yield from reader.segmenter.words_inside(text, start, end)


def _han_runs(words: Iterable[Word]) -> Iterator[tuple[int, int]]:
    start = end = -1
    for word in words:
        for atom in word.piece.words:
            if not atom.is_han:
                continue
            if atom.start != end:
                if start >= 0:
                    yield start, end
                start = atom.start
            end = atom.end
    if start >= 0:
        yield start, end


def gloss_tokens(word: Word, reader: Reader) -> list[str]:
    """The tokens of the English words that explain a Chinese word which names no concept."""
    if word.concepts or word.grammar or not word.piece.is_han:
        return []
    return list(_told(word.piece.text, reader))


@lru_cache(maxsize=32_768)
def _told(text: str, reader: Reader) -> tuple[str, ...]:
    gloss = reader.dictionary.gloss(text)
    if not gloss:
        return ()
    read = [other for other in reader.read(gloss) if other.grammar is None]
    if len(read) == 1 and read[0].is_goods:
        return (*read[0].concepts, *_own(read[0], reader))
    plain = [
        reader.token(atom.word) for other in read for atom in other.piece.words if not is_stop_word(atom.word)
    ]
    return tuple(plain[:MOST_GLOSS_TOKENS])


def _plain(word: Word, reader: Reader) -> Iterator[str]:
    piece = word.piece
    if piece.is_han:
        yield piece.text
        if len(piece.text) > 2:
            yield from bigrams(piece.text)
        yield from gloss_tokens(word, reader)
    elif piece.words[0].script == "solid":
        yield from bigrams(piece.text)
    else:
        yield from (reader.token(atom.word) for atom in piece.words)


def _own(word: Word, reader: Reader) -> list[str]:
    """The word itself and the names of its concept in both languages, where the index holds them as one token each.

    They prefer what is called so to what is only of that sort: a jacket to a hooded fleece.
    """
    piece, concept = word.piece, reader.vocabulary.concept(word.concept or "")
    found = [piece.text] if piece.is_han and len(piece.text) > 1 else []
    latin = all(atom.script == "word" for atom in piece.words)
    english = [atom.word for atom in piece.words] if latin else concept.english.split()
    if english and english[-1].isalnum() and (len(english) == 1 or _is_head(english[-1], concept, reader)):
        found.append(reader.token(english[-1]))
    if len(concept.chinese) > 1 and has_han(concept.chinese[:1]) and concept.chinese not in found:
        found.append(concept.chinese)
    return found


def _is_head(word: str, concept: Concept, reader: Reader) -> bool:
    """Whether the last word of a name stands for the thing: the tracker in fitness tracker, not the dog in hot dog."""
    meant = reader.meanings(word)
    return not meant or any(other in (concept.id, *concept.broader) for other in meant)


def _spelled(word: Word, reader: Reader) -> list[str]:
    """The plain word of a property whose other uses mean it too: fish for fishing, never red of a brand."""
    piece = word.piece
    literal = len(piece.words) == 1 and piece.words[0].script == "word"
    loose = word.concept is not None and word.concept.partition(":")[0] in _LOOSE
    return [reader.token(piece.text)] if literal and loose and not is_stop_word(piece.text) else []
