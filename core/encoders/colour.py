"""Colours of the thing that a picture shows: a soft Lab histogram, shares of colour words, words as histograms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.types import Pixels

Float = NDArray[np.float32]

COLOUR_DIM = 180
_BITS = 5
_CELLS = 1 << (3 * _BITS)
_LIGHTNESS = np.linspace(8, 95, 5, dtype=np.float32)
_AXIS = np.linspace(-50, 60, 6, dtype=np.float32)
_SOFTNESS = 6.0
_THUMBNAIL = 96
_BACKGROUND_DISTANCE = 7.0
_PLAIN_BORDER = 0.5
_LEAST_FOREGROUND = 0.02

# Several sRGB examples a word: what shops call by that name, from its light to its dark end.
_EXAMPLES = {
    "black": "000000 1a1a1a 2a2a2c 201c1c",
    "gray": "808080 a0a0a0 606062 8a8d94 b8b8b8 484848",
    "white": "ffffff f2f2f2 e4e4e6",
    "red": "ff0000 c81e28 e0323c a01420 780f1c b0303a",
    "pink": "ffb6c1 ff69b4 e887a5 f5c8d2 d8407c e09aa8",
    "orange": "ff8000 f06414 ffa046 e05020 d2691e",
    "yellow": "ffff00 f0d232 ffe878 d2b414 f5e6a0",
    "green": "00a000 228b22 6aa84f 90c060 14503c 556b2f a0c896 32cd32 708238",
    "turquoise": "40e0d0 00a0a0 70c8c8 008080 a8dede",
    "blue": "0000ff 1e5ac8 4682b4 87b4e6 2850a0 add8e6 6496c8",
    "navy": "000080 141e46 1c2a4c 28325a",
    "purple": "800080 7850a0 b496d2 501e5a a064b4 9370db c8b4dc",
    "brown": "8b4513 5a321e 7a5236 46281a a0704a 643c28",
    "beige": "f5f5dc e6d2b4 d2b496 c8b496 dcc8aa f0e0c8",
}
COLOUR_WORDS = tuple(_EXAMPLES)


@dataclass(frozen=True, slots=True)
class _Tables:
    """What is known of every cell of the coarse RGB cube."""

    lab: Float
    """(cells, 3)"""
    lightness: Float
    """(cells, 5): soft share of each lightness bin; rows sum to 1."""
    chroma: Float
    """(cells, 36): soft share of each a-b bin; rows sum to 1."""
    word: NDArray[np.int64]
    """(cells,): index into COLOUR_WORDS."""


def colour_histogram(image: Image.Image) -> Float:
    """Soft Lab histogram of the foreground, square-rooted, so that it has length 1 and dots are overlaps."""
    return _histogram(_foreground_cells(image))


def colour_names(image: Pixels) -> list[tuple[str, float]]:
    """Shares of colour words of the thing shown, not of its background; greatest first, only above 2 %."""
    cells = _foreground_cells(thumbnail(Image.fromarray(image)))
    shares = np.bincount(_tables().word, weights=cells, minlength=len(COLOUR_WORDS)) / cells.sum()
    order = np.argsort(-shares, kind="stable")
    return [(COLOUR_WORDS[i], float(shares[i])) for i in order if shares[i] > 0.02]


@lru_cache(maxsize=1)
def colour_word_vectors() -> dict[str, Float]:
    """Each colour word in the histogram's space: dotted with a picture's histogram it tells how much of it is there.

    A number a bin, 0…1: how surely the bin has that name, squared. Not of length 1, so that wide words
    (green) and narrow ones (navy) are comparable.
    """
    tables = _tables()
    of_word = [tables.word == index for index in range(len(COLOUR_WORDS))]
    mass = np.stack([(tables.lightness[cells].T @ tables.chroma[cells]).ravel() for cells in of_word])
    surety = np.square(mass / mass.sum(axis=0)).astype(np.float32)
    return dict(zip(COLOUR_WORDS, surety, strict=True))


def thumbnail(image: Image.Image) -> Image.Image:
    """At most 96 pixels a side, box-averaged."""
    factor = -(-max(image.size) // _THUMBNAIL)
    if factor <= 1:
        return image
    width, height = image.size
    return image.reduce((min(factor, width), min(factor, height)))


def _histogram(cells: Float) -> Float:
    tables = _tables()
    used = np.flatnonzero(cells)
    weights = cells[used]
    histogram = (tables.lightness[used] * weights[:, None]).T @ tables.chroma[used]
    rooted = np.sqrt(histogram.ravel() / weights.sum())
    return np.asarray(rooted / np.linalg.norm(rooted), dtype=np.float32)


def _foreground_cells(image: Image.Image) -> Float:
    """How much of the foreground falls into each cell of the RGB cube; never all zero."""
    pixels = np.asarray(image) >> (8 - _BITS)
    index = (
        (pixels[..., 0].astype(np.int32) << 2 * _BITS)
        | (pixels[..., 1].astype(np.int32) << _BITS)
        | pixels[..., 2]
    )
    weights = _foreground(index).astype(np.float32)
    return np.bincount(index.ravel(), weights=weights.ravel(), minlength=_CELLS).astype(np.float32)


def _foreground(index: NDArray[np.int32]) -> Float:
    """1 for pixels of the thing, 0 for the background; a soft spot in the middle where the border isn't plain."""
    lab = _tables().lab[index]
    from_middle = lab - np.median(_border(lab), axis=0)
    alike = np.einsum("hwc,hwc->hw", from_middle, from_middle) < _BACKGROUND_DISTANCE**2
    if _border(alike).mean() < _PLAIN_BORDER:
        return _middle(index.shape)
    mask = ~_reached(alike)
    return mask.astype(np.float32) if mask.mean() > _LEAST_FOREGROUND else _middle(index.shape)


def _border(image: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels in one row."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _reached(background: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Background-coloured pixels that a straight line from some edge reaches, so that white shirts keep their white."""
    run = np.logical_and.accumulate
    sideways = run(background, axis=1) | run(background[:, ::-1], axis=1)[:, ::-1]
    updown = run(background, axis=0) | run(background[::-1], axis=0)[::-1]
    return np.asarray(sideways | updown)


@lru_cache(maxsize=64)
def _middle(shape: tuple[int, int]) -> Float:
    """Gaussian weight around the middle."""
    sides = [
        np.exp(-2 * np.square(np.linspace(-1, 1, n, dtype=np.float32))) if n > 1 else np.ones(1, np.float32)
        for n in shape
    ]
    return np.outer(*sides)


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    step = 1 << (8 - _BITS)
    levels = np.arange(1 << _BITS, dtype=np.float32) * step + (step - 1) / 2
    levels = levels * (255 / levels[-1])
    rgb = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = _lab(rgb)
    a, b = _soft(lab[:, 1], _AXIS), _soft(lab[:, 2], _AXIS)
    chroma = (a[:, :, None] * b[:, None, :]).reshape(len(lab), -1)
    distances = np.stack([_word_distance(lab, word) for word in COLOUR_WORDS], axis=1)
    return _Tables(lab, _soft(lab[:, 0], _LIGHTNESS), chroma, distances.argmin(axis=1))


def _word_distance(lab: Float, word: str) -> Float:
    examples = _lab(
        np.array([list(bytes.fromhex(code)) for code in _EXAMPLES[word].split()], dtype=np.float32)
    )
    return np.asarray(np.sqrt(np.square(lab[:, None] - examples[None]).sum(axis=2)).min(axis=1), np.float32)


def _soft(values: Float, centres: Float) -> Float:
    weights = np.exp(-0.5 * np.square((values[:, None] - centres[None]) / _SOFTNESS))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _lab(rgb: Float) -> Float:
    """sRGB 0…255 to CIE Lab under D65."""
    linear = np.where(rgb <= 10.31475, rgb / 3294.6, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1).astype(np.float32)
