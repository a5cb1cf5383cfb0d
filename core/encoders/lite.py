"""The lite encoder: texts and pictures in one space, on the CPU, from weights that come with the packages.

A vector has blocks, and so have the long features: what a text says, which classes a text speaks of or a picture
shows, how a picture looks, its colours. A text leaves the look empty, a picture the saying; so texts meet texts
in the first block, texts meet pictures in classes and colours, pictures meet pictures in look, classes and colours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.encoder import Encoded
from core.encoders.bridge import DATA, Bridge, Columns, unit_rows
from core.encoders.colour import COLOUR_DIM, colour_word_vectors
from core.encoders.e5 import E5Text
from core.encoders.lite_words import GLOSS_SHARE, Read, Words, colours_named
from core.encoders.towers import COLOUR_WEIGHT, VISUAL_DIM, PictureFeatures, PictureTowers, Prepared
from core.language import Language
from core.types import Pixels

Float = NDArray[np.float32]

RECIPE = "1"
"""Grows with every change of the numbers that no file's checksum tells."""
COLOUR_WORDS_WEIGHT = 8.0
"""What a colour's overlap weighs beside the bridge's dot product."""
EVIDENCE_SCALE = 0.006
"""Makes a picture's class evidence as small as its other numbers, so that one int8 scale serves the whole row."""
SAYING_SHARE = 0.5
"""Of a query vector's squared length; the classes and colours it names have the rest."""


@dataclass(frozen=True, slots=True)
class Projections:
    """Fixed matrices from the long blocks to the short ones."""

    text_classes: Float
    picture_classes: Float
    look: Float
    colour: Float

    @classmethod
    def of(cls, columns: Columns) -> Projections:
        """From the columns of the data file."""
        names = ("text_classes", "picture_classes", "look", "colour")
        return cls(*(np.ascontiguousarray(columns[name], np.float32) for name in names))

    @property
    def dim(self) -> int:
        """Length of the short classes, look and colour together."""
        return sum(matrix.shape[1] for matrix in (self.picture_classes, self.look, self.colour))


class LiteEncoder:
    """core.encoder.PreparingEncoder; build it with `load`; safe for many threads."""

    def __init__(self, words: Words, towers: PictureTowers, bridge: Bridge, projections: Projections) -> None:
        self._words, self._towers, self._bridge, self._short = words, towers, bridge, projections
        self.dim = E5Text.dim + projections.dim
        self.feature_dim = E5Text.dim + bridge.dim + VISUAL_DIM + COLOUR_DIM
        self.fingerprint = f"lite-{RECIPE}"
        surety = colour_word_vectors()
        self.colour_words = tuple(surety)
        self._colour_surety = np.stack(list(surety.values()))

    @classmethod
    def load(cls, language: Language) -> LiteEncoder:
        """From the installed packages and this package's data files."""
        files = [DATA / "bridge.npz", DATA / "recall.npz"]
        with ThreadPoolExecutor(2) as pool:
            loading = pool.submit(PictureTowers.load), pool.submit(E5Text.load)
            columns, recall = (read_columns(path) for path in files)
            bridge = Bridge(columns)
            towers, e5 = loading[0].result(), loading[1].result()
        encoder = cls(Words(e5, columns, language.gloss), towers, bridge, Projections.of(recall))
        encoder.fingerprint = _fingerprint([e5.fingerprint, towers.fingerprint], files)
        return encoder

    def encode_texts(self, texts: Sequence[str], *, as_query: bool = False) -> Encoded:
        """One row a text; what is not a query meets queries only."""
        if not texts:
            return Encoded(np.zeros((0, self.dim), np.float32), np.zeros((0, self.feature_dim), np.float32))
        read = self._words.read(texts, as_query=as_query)
        if not as_query:
            short, rest = (
                np.zeros((len(texts), dim - E5Text.dim), np.float32) for dim in (self.dim, self.feature_dim)
            )
            return Encoded(_joined(read.texts, short), _joined(read.texts, rest))
        classes = self._classes(read)
        colours = _QUERY_COLOUR_WEIGHT * colours_named(read.words)
        look, short_look = (np.zeros((len(classes), dim), np.float32) for dim in self._short.look.shape)
        features = _joined(read.texts, classes, look, colours)
        short = _joined(classes @ self._short.text_classes, short_look, colours @ self._short.colour)
        saying = _SAYING_LENGTH * read.texts
        return Encoded(unit_rows(_joined(saying, _REST_LENGTH * unit_rows(short))), features)

    def encode_images(self, images: Sequence[Pixels]) -> Encoded:
        """One row a picture."""
        return self.encode_prepared([self.prepare(image) for image in images])

    def prepare(self, image: Pixels) -> Prepared:
        """The part that worker threads can do ahead of `encode_prepared`."""
        return self._towers.prepare(image)

    def encode_prepared(self, prepared: Sequence[Prepared]) -> Encoded:
        """One row a prepared picture."""
        return self._pictures(self._towers.encode_prepared(prepared))

    def colours_shown(self, features: Float) -> list[float]:
        """About which share of the thing shown has each colour of `colour_words`: 0…1."""
        shown = features[-COLOUR_DIM:] / np.float32(np.sqrt(COLOUR_WEIGHT))
        # A histogram is kept as roots, so that its dots are overlaps: their squares are shares.
        shares: list[float] = (self._colour_surety @ np.square(shown)).tolist()
        return shares

    def _pictures(self, seen: PictureFeatures) -> Encoded:
        saying = np.zeros((len(seen.visual), E5Text.dim), np.float32)
        classes = EVIDENCE_SCALE * self._bridge.pictures(seen.logits)
        colours = np.float32(np.sqrt(COLOUR_WEIGHT)) * seen.colour
        short = _joined(
            classes @ self._short.picture_classes,
            seen.visual @ self._short.look,
            colours @ self._short.colour,
        )
        return Encoded(unit_rows(_joined(saying, short)), _joined(saying, classes, seen.visual, colours))

    def _classes(self, read: Read) -> Float:
        """The bridge's reading of a query: of Chinese the English counts for more than the Chinese."""
        classes = self._bridge.texts(read.english, read.words)
        if read.glossed.any():
            own = self._bridge.texts(read.own[read.glossed], [""] * int(read.glossed.sum()))
            classes[read.glossed] = GLOSS_SHARE * classes[read.glossed] + (1 - GLOSS_SHARE) * own
        return classes


_QUERY_COLOUR_WEIGHT = np.float32(COLOUR_WORDS_WEIGHT * EVIDENCE_SCALE / np.sqrt(COLOUR_WEIGHT))
_SAYING_LENGTH = np.float32(np.sqrt(SAYING_SHARE))
_REST_LENGTH = np.float32(np.sqrt(1 - SAYING_SHARE))


def read_columns(path: Path) -> dict[str, NDArray[np.generic]]:
    """All arrays of a data file."""
    with np.load(path) as file:
        return dict(file)


def _joined(*blocks: NDArray[np.floating[Any]]) -> Float:
    return np.concatenate(blocks, axis=1, dtype=np.float32)


def _fingerprint(parts: Sequence[str], files: Sequence[Path]) -> str:
    """One short name for the towers, the data files and the recipe."""
    digest = hashlib.blake2b(json.dumps([RECIPE, *parts]).encode(), digest_size=6)
    for path in files:
        digest.update(path.read_bytes())
    return f"lite-{digest.hexdigest()}"
