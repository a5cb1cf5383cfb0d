"""Rebuilds core/encoders/data/recall.npz, the fixed projections from the lite encoder's long features to recall vectors.

    python tools/build_recall.py --pictures indexer/demo/images

Run it after build_bridge.py. The classes' pair of matrices keeps the dot products of texts with pictures as they are,
as far as its rank goes; look and colour keep those of pictures with pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.encoders.bridge import DATA, Bridge, Float, unit_rows
from core.encoders.e5 import E5Text
from core.encoders.lite import EVIDENCE_SCALE, read_columns
from core.encoders.towers import PictureFeatures
from tools.build_bridge import picture_features, write_columns

CLASSES_DIM, LOOK_DIM, COLOUR_DIM = 160, 192, 32
NOUN_SAMPLE = 8000
PICTURE_SHARE = 0.9
"""Of the pictures' covariance; the rest is its diagonal, for what these pictures don't show."""
FLOOR = 1e-4
CLASSES_LENGTH = 0.2
"""Length of a picture's class block beside a look of length 1: enough to be seen by texts, too short to blur looks."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, nargs="+", required=True)
    columns = read_columns(DATA / "bridge.npz")
    bridge = Bridge(columns)
    seen = picture_features(parser.parse_args().pictures)
    texts = _noun_weights(
        bridge, columns["nouns"].tobytes().decode().split("\n"), columns["english_text_centre"]
    )
    write_columns(DATA / "recall.npz", projections(bridge, texts, seen))


def projections(bridge: Bridge, texts: Float, seen: PictureFeatures) -> dict[str, np.ndarray]:
    """The four matrices; texts are bridge vectors of nouns, the pictures a sample."""
    pictures = EVIDENCE_SCALE * bridge.pictures(seen.logits)
    for_texts, for_pictures = _matched(texts, pictures, CLASSES_DIM)
    scale = CLASSES_LENGTH / np.linalg.norm(pictures @ for_pictures, axis=1).mean()
    matrices = {
        "text_classes": for_texts / scale,
        "picture_classes": for_pictures * scale,
        "look": _look(seen.visual),
        "colour": _principal(seen.colour, COLOUR_DIM),
    }
    return {name: matrix.astype(np.float16) for name, matrix in matrices.items()}


def _noun_weights(bridge: Bridge, nouns: Sequence[str], centre: np.ndarray) -> Float:
    rng = np.random.default_rng(0)
    chosen = [nouns[i] for i in np.sort(rng.choice(len(nouns), NOUN_SAMPLE, replace=False))]
    meanings = unit_rows(E5Text.load().encode(chosen, as_query=False) - centre)
    return bridge.texts(meanings, chosen)


def _matched(texts: Float, pictures: Float, rank: int) -> tuple[Float, Float]:
    """The two projections of this rank that lose least of texts' dot products with pictures."""
    spread_texts, spread_pictures = _covariance(texts), _covariance(pictures)
    diagonal = np.diag(np.diag(spread_pictures))
    spread_pictures = PICTURE_SHARE * spread_pictures + (1 - PICTURE_SHARE) * diagonal
    root_t, inverse_t = _roots(spread_texts)
    root_p, inverse_p = _roots(spread_pictures)
    left, strength, right = np.linalg.svd(root_t @ root_p)
    weight = np.sqrt(strength[:rank])
    return inverse_t @ left[:, :rank] * weight, inverse_p @ right[:rank].T * weight


def _covariance(rows: Float) -> np.ndarray:
    centred = rows - rows.mean(axis=0)
    return np.asarray(centred.T @ centred / len(rows), np.float64)


def _roots(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Square root and its inverse of a symmetric matrix with no negative direction."""
    values, directions = np.linalg.eigh(matrix)
    roots = np.sqrt(np.maximum(values, 0) + FLOOR * values.max())
    return (directions * roots) @ directions.T, (directions / roots) @ directions.T


def _look(visual: Float) -> np.ndarray:
    """Random directions, less the one that all pictures share."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((visual.shape[1], LOOK_DIM)) / np.sqrt(LOOK_DIM)


def _principal(rows: Float, rank: int) -> np.ndarray:
    return np.linalg.svd(rows, full_matrices=False)[2][:rank].T


if __name__ == "__main__":
    main()
