"""Where words begin and end in any script, and which spellings are one word; alone knows the stemmer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import snowballstemmer

from core.language.normal import fold

MAX_WORD = 64
_HAN = "㐀-䶿一-鿿豈-﫿々〇\U00020000-\U0003ffff"
_SOLID = "\u3041-\u3096\u3099-\u309f\u30a1-\u30ff\u31f0-\u31ff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_MARKS = "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0f00-\u0fff"
_EMOJI = "\u2600-\u27bf\U0001f000-\U0001faff"
_LETTER = f"(?:[^\\W_{_HAN}{_SOLID}]|[{_MARKS}])"
_ATOM = re.compile(
    f"(?P<han>[{_HAN}])|(?P<solid>[{_SOLID}]+)|(?P<emoji>[{_EMOJI}])"
    f"|(?P<word>[0-9]+[.,][0-9]+{_LETTER}*|{_LETTER}+(?:'{_LETTER}+)*)"
)
_JOINTS = frozenset({"", "-", "_", "&", "'"})
_STOP_WORDS = """
    a an the of for with and or in on at to by from as is are was were be been it its this that these
    those i me my we our you your he she they them their his her some any all very so such than then too
    into up out off about over who which what where when how will would can could should do does did has
    have had just only more most other want need looking find show please like s t im ive id dont lets whats
"""
_STOP = frozenset(_STOP_WORDS.split())
_HAN_STOP = frozenset(
    "的地得了和与及或在是有我你他她它这那个为着过被把给吗呢吧啊呀之其等也都就还又请找想要买求来去到上下里中带配款件条双只码不"
)
_IRREGULAR = {
    "feet": "foot", "teeth": "tooth", "mice": "mouse", "geese": "goose", "knives": "knife", "wolves": "wolf",
    "shelves": "shelf", "leaves": "leaf", "scarves": "scarf", "loaves": "loaf", "halves": "half", "calves": "calf",
    "lenses": "lens", "lens": "lens", "gas": "gas", "canvas": "canvas", "buses": "bus", "shoes": "shoe",
    "toes": "toe", "canoes": "canoe", "headaches": "headache", "irises": "iris", "cactuses": "cactus",
    "cacti": "cactus", "snowshoes": "snowshoe", "horseshoes": "horseshoe", "christmas": "christmas",
    "elves": "elf", "thieves": "thief", "wives": "wife", "lives": "life", "radii": "radius", "oxen": "ox",
    "children": "child", "axes": "axe", "quizzes": "quiz", "series": "series", "species": "species",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest stretch that a form can end at: a Chinese character, or a word of any other script."""

    start: int
    end: int
    word: str
    """Folded."""
    script: str
    """han, solid (written without spaces), emoji or word."""
    joined: bool
    """Whether a form may run on from the atom before this one."""

    @property
    def is_han(self) -> bool:
        return self.script == "han"


def atoms(text: str) -> list[Atom]:
    """The atoms of a clean text, in order."""
    return list(_atoms(text))


def _atoms(text: str) -> Iterator[Atom]:
    end, was_han = 0, False
    for match in _ATOM.finditer(text):
        script, start = match.lastgroup or "word", match.start()
        glued, is_han = start == end, script == "han"
        joined = glued or (not (is_han and was_han) and text[end:start].strip() in _JOINTS)
        word = match.group() if is_han else _folded(match.group())
        end, was_han = match.end(), is_han
        yield Atom(start, end, word, script, joined)


def _folded(word: str) -> str:
    # A lone accent folds to nothing; it stays what it is.
    return _without_separators(fold(word[:MAX_WORD])[:MAX_WORD]) or word[:MAX_WORD]


def _without_separators(word: str) -> str:
    return word.replace(",", "") if word[:1].isdigit() else word


def is_stop_word(word: str) -> bool:
    """Whether the word carries no meaning of its own."""
    return word in _STOP or word in _HAN_STOP


@lru_cache(maxsize=65_536)
def singular(word: str) -> str:
    """The word without the ending of the plural; the key of a noun, not always a spelling."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("men"):
        return word[:-2] + "an"
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("ie"):
        return word[:-2] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "oes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


class Stemmer:
    """English stems; snowball keeps its state in the object, so one word at a time."""

    def __init__(self) -> None:
        self._snowball = snowballstemmer.stemmer("english")
        self._lock = Lock()

    def stem(self, word: str) -> str:
        """The stem of a folded word; words with digits and of other scripts stay as they are."""
        return self._cached(word) if word.isascii() and word.isalpha() else word

    @lru_cache(maxsize=131_072)  # noqa: B019  one stemmer lives as long as its Language
    def _cached(self, word: str) -> str:
        with self._lock:
            return str(self._snowball.stemWord(singular(word)))


def bigrams(text: str) -> list[str]:
    """Every two neighbours of a text of one script; the text itself when it is shorter."""
    return [text[i : i + 2] for i in range(len(text) - 1)] or [text]
