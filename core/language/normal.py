"""One spelling for every text: Unicode forms, control characters, accents, traditional Chinese; alone knows OpenCC."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

import opencc

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# The zero-width space marks the end of a word in scripts that show no spaces.
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b]+")
_QUOTES = str.maketrans("‘’ʼ`´“”«»‐‑‒–—−", "'''''\"\"\"\"------")
_HAN = re.compile("[㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]")
# Traditional texts write the particle 着 as 著, which simplified Chinese keeps for "famous" and "to write".
_PARTICLE = re.compile("(?<![显名专巨论原编土卓所合])著(?![名作称述者书])")
_TAG = re.compile(
    r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|</?[a-zA-Z][^<>]{0,500}>", re.DOTALL | re.IGNORECASE
)
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.IGNORECASE)
_ACCENT = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})


def clean(text: str, limit: int) -> str:
    """The first `limit` characters in one spelling: NFKC, simplified Chinese, single spaces; case and accents stay."""
    text = _INVISIBLE.sub("", text[:limit])
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)[: 2 * limit].translate(_QUOTES)
        text = _INVISIBLE.sub("", text)
        if has_han(text):
            text = _PARTICLE.sub("着", _simplifier().convert(text))
    return _SPACE.sub(" ", text).strip()


def prose(text: str, limit: int) -> str:
    """Clean text without HTML tags, entities and links, each of which ends a sentence's run of words."""
    text = text[: 2 * limit]
    if "<" in text:
        text = _TAG.sub(" . ", text)
    if "&" in text:
        text = html.unescape(text)
    return clean(_LINK.sub(" ", text), limit)


def fold(word: str) -> str:
    """The key of a word: case, accents and apostrophes don't tell words apart."""
    word = word.casefold().replace("'", "")
    if word.isascii():
        return word
    stripped = _ACCENT.sub("", unicodedata.normalize("NFD", word))
    return unicodedata.normalize("NFC", stripped).translate(_LETTERS)


def has_han(text: str) -> bool:
    """Whether the text has a Chinese character."""
    return _HAN.search(text) is not None


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
