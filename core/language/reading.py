"""Decides what each piece of a text means where it stands: colour or fruit, one word or two, what a word implies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.language.colour_characters import colours_something, is_character_colour
from core.language.dictionary import Dictionary
from core.language.segments import Piece, Segmenter
from core.language.vocabulary import Form, Vocabulary
from core.language.words import Atom, Stemmer, atoms, is_stop_word, singular

GOODS = "kind"
NAMES = "brand"
"""A field of proper names, which mean nothing else: Apple is no fruit."""
GRAMMAR = "word"
_WEARERS = frozenset({"gender", "age"})
_DYED = frozenset(
    f"kind:{root}"
    for root in (
        "clothing", "footwear", "bag", "accessory", "jewellery", "watch", "home-textile", "furniture", "electronics",
        "vehicle", "automotive", "sports-equipment", "storage", "stationery", "lighting", "lip-makeup", "nail-care",
    )
)  # fmt: skip
"""What fruit and flowers give their colour to; coffee in front of a cup or a machine stays coffee."""
_THING = "word:thing"
_WORN_BY = {
    "mens": "gender:men", "men": "gender:men", "womens": "gender:women", "women": "gender:women",
    "boys": "gender:boys", "girls": "gender:girls", "kids": "age:kids", "baby": "age:baby",
    "unisex": "gender:unisex",
}  # fmt: skip
MOST_OF_ONE_PROPERTY = 3
"""Characters of Chinese; a longer form may be a row of properties."""
_NEVER_IMPLIED = frozenset({"color", GOODS, GRAMMAR})


@dataclass(frozen=True, slots=True)
class Word:
    """A piece with its meaning."""

    piece: Piece
    concepts: tuple[str, ...] = ()
    """The most likely meaning first; none for a plain word."""
    implied: tuple[str, ...] = ()
    """What its parts say besides: long sleeves in 长袖t恤."""
    grammar: str | None = None
    """ "not", "but", "stop", … for words that steer the reading only."""

    @property
    def concept(self) -> str | None:
        return self.concepts[0] if self.concepts else None

    @property
    def is_goods(self) -> bool:
        return self.concept is not None and self.concept.startswith("kind:")


class Reader:
    """Reads clean texts into words with meanings."""

    def __init__(self, vocabulary: Vocabulary, dictionary: Dictionary, stemmer: Stemmer) -> None:
        self.vocabulary, self.dictionary, self._stemmer = vocabulary, dictionary, stemmer
        self.segmenter = Segmenter(vocabulary, dictionary)

    def read(self, text: str, *, about: str | None = None) -> list[Word]:
        """The words of a text; `about` is the kind of concept that its field holds, such as color."""
        pieces = [part for piece in self.segmenter.pieces(text) for part in self._parted(piece)]
        return [self._word(pieces, at, about) for at in range(len(pieces))]

    def meanings(self, english: str) -> tuple[str, ...]:
        """The concepts that a stretch of English names as a whole."""
        pieces = self.segmenter.pieces(english)
        return pieces[0].concepts if len(pieces) == 1 else ()

    def further(self, word: Word) -> tuple[str, ...]:
        """What a word implies that its concept and its name don't say."""
        if not word.implied or word.concept is None:
            return word.implied
        concept = self.vocabulary.concept(word.concept)
        if word.piece.text in (concept.chinese, concept.english):
            return ()
        said = [part[:4] for part in (*concept.id.partition(":")[2].split("-"), *concept.english.split())]
        return tuple(
            implied
            for implied in word.implied
            if implied not in concept.broader and implied.partition(":")[2][:4] not in said
        )

    def token(self, word: str) -> str:
        """What a word of a script with spaces is in the index: nouns of the vocabulary keep their endings."""
        noun = singular(word)
        return noun if noun in self.vocabulary.nouns else self._stemmer.stem(word)

    def _word(self, pieces: Sequence[Piece], at: int, about: str | None) -> Word:
        piece = pieces[at]
        concepts = piece.concepts
        if concepts and concepts[0].startswith("word:"):
            return Word(piece, grammar=concepts[0].partition(":")[2])
        if not concepts or about == NAMES:
            stop = "stop" if is_stop_word(piece.text) else None
            return Word(piece, implied=self._colour_inside(piece), grammar=stop)
        if _is_measure(pieces, at):
            return Word(piece)
        if about is not None:
            preferred = tuple(concept for concept in concepts if concept.startswith(about + ":"))
            concepts = preferred or concepts
        elif len(concepts) > 1:
            concepts = self._in_context(concepts, pieces, at)
        concepts = tuple(concept for concept in concepts if concept != _THING)
        if not about and is_character_colour(piece) and not colours_something(pieces, at):
            concepts = tuple(concept for concept in concepts if not concept.startswith("color:"))
        return self._spelled_out(piece, concepts) if concepts else Word(piece)

    def _colour_inside(self, piece: Piece) -> tuple[str, ...]:
        """The colour that a dictionary word begins with, when its English says so: 黑框 is a black frame."""
        if not piece.is_han or len(piece.words) < 2 or not (gloss := self.dictionary.gloss(piece.text)):
            return ()
        told = gloss.lower().split()
        for form in self.vocabulary.forms_at(piece.words, 0):
            colour = form.concepts[0]
            if (
                colour.startswith("color:")
                and len(told) > 1
                and self.vocabulary.concept(colour).english in told
            ):
                return (colour,)
        return ()

    def _spelled_out(self, piece: Piece, concepts: tuple[str, ...]) -> Word:
        """A wearer's thing (womens-shoe) is the thing and the wearer; a form may say more than its concept."""
        wearer = _WORN_BY.get(concepts[0].removeprefix("kind:").partition("-")[0])
        parent = next(
            (p for p in self.vocabulary.concept(concepts[0]).parents if p.startswith("kind:")), None
        )
        if concepts[0].startswith("kind:") and wearer and parent:
            return Word(piece, (parent,), (wearer,))
        implied = self._implied(piece) if len(piece.words) > 1 else ()
        return Word(piece, concepts, tuple(concept for concept in implied if concept not in concepts))

    def _in_context(self, concepts: tuple[str, ...], pieces: Sequence[Piece], at: int) -> tuple[str, ...]:
        """A word for a thing and for a property: orange is a colour before dyed things, a zipper is had by a jacket."""
        goods = tuple(concept for concept in concepts if concept.startswith("kind:") or concept == _THING)
        others = tuple(concept for concept in concepts if concept not in goods)
        if not goods or not others:
            return concepts
        if others[0].startswith("color:") or _THING in goods:
            return others if any(self._is_dyed(piece) for piece in pieces[at + 1 : at + 4]) else goods
        if any(_names_goods(piece) for piece in (*pieces[:at], *pieces[at + 1 :])):
            return others
        # In both languages the last word is the thing: 金属拉链 is a zipper, 刺绣蝴蝶 is no embroidery.
        return goods + others if at == len(pieces) - 1 else others + goods

    def _is_dyed(self, piece: Piece) -> bool:
        return any(
            concept.startswith("kind:")
            and (concept in _DYED or not _DYED.isdisjoint(self.vocabulary.concept(concept).broader))
            for concept in piece.concepts
        )

    def _parted(self, piece: Piece) -> list[Piece]:
        """A dictionary word that is only a row of properties (黑白), or a wearer's thing (女装), is read in its parts."""
        if piece.concepts or not piece.is_han or not piece.known or len(piece.words) < 2:
            return [piece]
        forms = self.segmenter.forms_inside(piece.words)
        if forms is None or not self._may_part(piece, forms):
            return [piece]
        parts: list[Piece] = []
        at = 0
        for form in forms:
            words = piece.words[at : at + form.length]
            spelled = "".join(atom.word for atom in words)
            parts.append(Piece(words[0].start, words[-1].end, spelled, words, form.concepts))
            at += form.length
        return parts

    def _may_part(self, piece: Piece, forms: Sequence[Form]) -> bool:
        kinds = [form.concepts[0].partition(":")[0] for form in forms]
        if GRAMMAR in kinds or GOODS in kinds[:-1]:
            return False
        if len(set(kinds)) == 1 or all(kind in _WEARERS for kind in kinds[:-1]):
            return True
        gloss = (self.dictionary.gloss(piece.text) or "").split()
        named = forms[:-1] if kinds[-1] == GOODS else forms
        return all(self.vocabulary.concept(form.concepts[0]).english in gloss for form in named)

    def _implied(self, piece: Piece) -> tuple[str, ...]:
        if piece.concepts[0].startswith("kind:") and (
            found := self._implied_by(piece.concepts[0], piece.text)
        ):
            return found
        return self._joined(piece.text) if piece.is_han and len(piece.words) > MOST_OF_ONE_PROPERTY else ()

    @lru_cache(maxsize=16_384)  # noqa: B019  one reader lives as long as its Language
    def _implied_by(self, concept: str, text: str) -> tuple[str, ...]:
        """The properties that the front of a form names, when its end names something wider than the whole."""
        words = atoms(text)
        wider = {concept, *self.vocabulary.concept(concept).broader}
        for form in self.vocabulary.forms_at(words, 0):
            rest = words[form.length :]
            kind = form.concepts[0].partition(":")[0]
            if form.length == 1 and words[0].is_han and kind == "feature":
                continue  # 小 in 小香风外套 is not a size
            if rest and kind not in _NEVER_IMPLIED and self._names(rest, wider):
                return (form.concepts[0],)
        return ()

    @lru_cache(maxsize=16_384)  # noqa: B019  one reader lives as long as its Language
    def _joined(self, text: str) -> tuple[str, ...]:
        """The properties that make up a form of several: 加绒加厚 is thick, too."""
        words = atoms(text)
        forms = self.segmenter.forms_inside(words) or ()
        if len(forms) < 2 or any(
            form.length < 2 or form.concepts[0].partition(":")[0] in _NEVER_IMPLIED for form in forms
        ):
            return ()
        return tuple(dict.fromkeys(form.concepts[0] for form in forms))

    def _names(self, words: Sequence[Atom], wider: set[str]) -> bool:
        return any(
            form.length == len(words) and wider & set(form.concepts)
            for form in self.vocabulary.forms_at(words, 0)
        )


def _names_goods(piece: Piece) -> bool:
    return bool(piece.concepts) and all(concept.startswith("kind:") for concept in piece.concepts)


def _is_measure(pieces: Sequence[Piece], at: int) -> bool:
    """A single character of goods right behind a number counts packets or cups (30包), it is no bag."""
    piece = pieces[at]
    if not at or len(piece.words) > 1 or not piece.is_han or not piece.concepts[0].startswith("kind:"):
        return False
    return pieces[at - 1].end == piece.start and pieces[at - 1].text.isdigit()
