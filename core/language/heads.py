"""Finds the thing that a title or a query is about: of "case for phone" the case, of 手机壳 the shell and not the phone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from core.language.normal import clean
from core.language.reading import Reader, Word
from core.types import Product

MAX_CHARACTERS = 500
KNOWN = "head:known"
"""Token of a product whose thing itself was found; without it nothing follows from a missing head."""
UNNAMED = "kind:unnamed"
"""What a "silicone case for iPhone" is: some thing, but surely not the phone."""
_FOR = frozenset(["for", "compatible", "fits"])
_BEHIND = frozenset(
    [
        "for",
        "with",
        "without",
        "in",
        "to",
        "on",
        "from",
        "by",
        "compatible",
        "fits",
        "w/",
        "w",
        "incl",
        "including",
    ]
)
_MADE_FOR = frozenset(["适用", "适用于", "适合", "兼容", "专为", "适配", "用于"])
_ITS_USE = frozenset(["专用", "用", "配件", "通用"])
_SETS = frozenset(["组合", "套装", "件套"])
_AND = frozenset(["and", "&", "+", "plus"])
_CLAUSE = re.compile(r"[,，;；|()\[\]（）【】/。.!]| [-–] ")


def head_tokens(product: Product, fields: Collection[str], reader: Reader) -> set[str]:
    """Tokens `head:sofa`, `head:furniture`, … of what the product itself is; empty where its texts don't tell."""
    found: set[str] = set()
    if "title" in fields:
        for title in dict.fromkeys((product.title, *product.titles.values())):
            found |= heads_of(title, reader)
    if not found and "category" in fields and product.category:
        found = heads_of(product.category[-1], reader)
    return {KNOWN, *(head_token(concept) for concept in found)} if found else set()


def head_token(concept: str) -> str:
    """The token of a product that is such a thing: kind:sofa -> head:sofa."""
    return f"head:{concept.partition(':')[2]}"


def heads_of(text: str, reader: Reader) -> set[str]:
    """The goods that the text is about, with all their ancestors."""
    text = clean(text, MAX_CHARACTERS)
    found: list[str] = []
    english_told = False
    for clause in _clauses(text, reader.read(text)):
        if any(word.piece.is_han for word in clause):
            found += _chinese(clause)
        elif not english_told:
            told = _english(clause)
            found += told
            english_told = bool(told)
    wider = (broader for concept in found for broader in reader.vocabulary.concept(concept).broader)
    return {concept for concept in (*found, *wider) if concept.startswith("kind:")}


def _clauses(text: str, words: Sequence[Word]) -> list[list[Word]]:
    """Words between punctuation; in Chinese a space parts them, too."""
    clauses: list[list[Word]] = []
    for before, word in zip((None, *words), words, strict=False):
        gap = "" if before is None else text[before.piece.end : word.piece.start]
        parted = before is not None and gap and word.piece.is_han and before.piece.is_han
        if before is None or parted or _CLAUSE.search(gap):
            clauses.append([])
        clauses[-1].append(word)
    return clauses


def _english(clause: Sequence[Word]) -> list[str]:
    """The last goods of each part joined by "and", before what it is for or comes with."""
    behind = next((at for at, word in enumerate(clause) if at and word.piece.text in _BEHIND), len(clause))
    groups: list[list[Word]] = [[]]
    for word in clause[:behind]:
        if word.piece.text in _AND:
            groups.append([])
        else:
            groups[-1].append(word)
    found = [goods[-1] for group in groups if (goods := _goods(group))]
    is_for = behind < len(clause) and clause[behind].piece.text in _FOR
    return [UNNAMED] if is_for and not found else found


def _chinese(clause: Sequence[Word]) -> list[str]:
    """Goods that no other goods follow directly, less those that the thing is made for."""
    is_set = any(word.piece.text in _SETS for word in clause)
    made_for = next((at for at, word in enumerate(clause) if word.piece.text in _MADE_FOR), len(clause))
    found = []
    for at, word in enumerate(clause):
        following = clause[at + 1] if at + 1 < len(clause) else None
        if not word.is_goods or word.concept is None:
            continue
        # 适用华为手机壳: behind "made for", only what comes last can be the thing, and only if none came before.
        if at > made_for and (_goods(clause[at + 1 :]) or _goods(clause[:made_for])):
            continue
        if following is not None and _is_attached(word, following, is_set=is_set):
            continue
        found.append(word.concept)
    return found


def _is_attached(word: Word, following: Word, *, is_set: bool) -> bool:
    """Whether the word only says what the following one is for or made of: 手机 in 手机壳, 猫 in 猫专用."""
    if following.piece.text in _ITS_USE:
        return True
    return following.is_goods and following.piece.start == word.piece.end and not is_set


def _goods(words: Iterable[Word]) -> list[str]:
    return [word.concept for word in words if word.is_goods and word.concept is not None]
