"""The open_clip encoder answers what open_clip itself does: preprocessing, pooling, precision, cut texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.random_clip import save_random
from core.encoder import PreparingEncoder
from core.encoders.open_clip.converting import LEAST_COSINE
from core.encoders.open_clip.encoder import OpenClipEncoder
from tests.models.open_clip_models import (
    TEXTS,
    Reference,
    encoder_of,
    photos,
    tiny,
    tiny_multilingual,
    tiny_siglip,
)

KINDS: dict[str, Callable[[Path], Path]] = {
    "plain": tiny,
    "siglip": tiny_siglip,
    "multilingual": tiny_multilingual,
}
EXACT = 1e-5


@pytest.fixture(scope="module", params=KINDS)
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return KINDS[request.param](tmp_path_factory.mktemp("checkpoints") / request.param)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OpenClipEncoder]:
    """An encoder of each way to fit a picture."""
    data = tmp_path_factory.mktemp("data")
    modes = ("shortest", "longest", "squash")
    return {mode: encoder_of(tiny(data / mode, resize_mode=mode), data, dtype="float32") for mode in modes}


def test_in_float32_every_vector_is_open_clips_own(checkpoint: Path, tmp_path: Path) -> None:
    encoder, reference = encoder_of(checkpoint, tmp_path, dtype="float32"), Reference.of(checkpoint)

    assert np.abs(encoder.encode_images(photos()).vectors - reference.pictures(photos())).max() < EXACT
    assert np.abs(encoder.encode_texts(TEXTS).vectors - reference.texts(TEXTS)).max() < EXACT
    assert encoder.runs_on == "openvino cpu pictures in float32, texts in float32"


def test_in_the_quickest_numbers_every_vector_points_where_open_clips_does(
    checkpoint: Path, tmp_path: Path
) -> None:
    encoder, reference = encoder_of(checkpoint, tmp_path), Reference.of(checkpoint)
    pictures, texts = encoder.encode_images(photos(24)).vectors, encoder.encode_texts(TEXTS).vectors
    expected = reference.pictures(photos(24))

    assert (pictures * expected).sum(axis=1).min() >= LEAST_COSINE
    assert (texts * reference.texts(TEXTS)).sum(axis=1).min() >= LEAST_COSINE
    assert np.abs(np.linalg.norm(pictures, axis=1) - 1).max() < 1e-5
    # Else being near would say nothing.
    assert (expected[0] * expected[1:]).sum(axis=1).min() < LEAST_COSINE - 0.01


def test_the_precision_does_not_make_another_space(checkpoint: Path, tmp_path: Path) -> None:
    exact, quick = (encoder_of(checkpoint, tmp_path, dtype=dtype) for dtype in ("float32", "auto"))

    assert exact.fingerprint == quick.fingerprint
    assert exact.runs_on != quick.runs_on


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_a_picture_is_fitted_as_the_checkpoint_says(tmp_path: Path, mode: str, interpolation: str) -> None:
    folder = tiny(tmp_path / "model", resize_mode=mode, interpolation=interpolation, mean=[0.4, 0.5, 0.6])
    encoder = encoder_of(folder, tmp_path, dtype="float32")

    found, expected = encoder.encode_images(photos()).vectors, Reference.of(folder).pictures(photos())

    assert np.abs(found - expected).max() < EXACT


def test_prepared_ahead_or_not_the_vectors_are_the_same(tmp_path: Path) -> None:
    encoder = encoder_of(tiny(tmp_path / "model"), tmp_path, dtype="float32")
    preparing: PreparingEncoder = encoder
    ahead = preparing.encode_prepared([preparing.prepare(each) for each in photos()])

    assert ahead.features is None
    assert np.array_equal(ahead.vectors, encoder.encode_images(photos()).vectors)
    assert encoder.prepare(photos()[0]).dtype == np.uint8


def test_a_text_has_the_same_vector_alone_and_among_longer_ones(checkpoint: Path, tmp_path: Path) -> None:
    encoder = encoder_of(checkpoint, tmp_path, dtype="float32")
    together = encoder.encode_texts(TEXTS).vectors

    for text, vector in zip(TEXTS, together, strict=True):
        assert np.abs(encoder.encode_texts([text], as_query=True).vectors[0] - vector).max() < EXACT


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("shape", [(1, 200_000), (200_000, 1), (1, 1), (3, 40)])
def test_a_picture_of_an_odd_shape_has_a_vector(
    odd: dict[str, OpenClipEncoder], mode: str, shape: tuple[int, int]
) -> None:
    vector = odd[mode].encode_images([np.full((*shape, 3), 200, np.uint8)]).vectors[0]

    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_no_texts_and_no_pictures_have_no_vectors(tmp_path: Path) -> None:
    encoder = encoder_of(tiny(tmp_path / "model"), tmp_path)

    assert encoder.encode_texts([]).vectors.shape == (0, encoder.dim)
    assert encoder.encode_images([]).vectors.shape == (0, encoder.dim)


def test_torch_alone_answers_the_same(checkpoint: Path, tmp_path: Path) -> None:
    import torch

    from core.encoders.open_clip.eager import EagerEngine
    from core.encoders.open_clip.opening import built
    from core.encoders.open_clip.source import source_of

    towers = built(source_of(str(checkpoint), None))
    engine = EagerEngine(towers.pictures, towers.texts, device=torch.device("cpu"), dtype=torch.float32)
    encoder, reference = encoder_of(checkpoint, tmp_path, dtype="float32"), Reference.of(checkpoint)
    pixels = np.stack([encoder.prepare(each) for each in photos()])

    assert np.abs(engine.pictures(pixels) - reference.pictures(photos())).max() < EXACT
    assert engine.batch(pixels.shape[1:3]) >= 1


@pytest.mark.slow
def test_vit_b_32_answers_what_open_clip_does(tmp_path: Path) -> None:
    folder = save_random("ViT-B-32", tmp_path / "model")
    exact, quick = (encoder_of(folder, tmp_path, dtype=dtype) for dtype in ("float32", "auto"))
    reference = Reference.of(folder)
    pictures, texts = reference.pictures(photos()), reference.texts(TEXTS)

    assert np.abs(exact.encode_images(photos()).vectors - pictures).max() < EXACT
    assert np.abs(exact.encode_texts(TEXTS).vectors - texts).max() < EXACT
    assert (quick.encode_images(photos()).vectors * pictures).sum(axis=1).min() >= LEAST_COSINE
    assert (quick.encode_texts(TEXTS).vectors * texts).sum(axis=1).min() >= LEAST_COSINE
