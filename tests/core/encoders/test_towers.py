"""The picture towers that come with the product: order, odd pictures, golden values."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.encoders.towers import CLASSES, MODELS, TOWERS, VISUAL_DIM, PictureTowers
from core.types import Pixels


@pytest.fixture(scope="module")
def towers() -> PictureTowers:
    return PictureTowers.load()


def ball() -> Pixels:
    """An orange ball with a shadow on white."""
    image = Image.new("RGB", (240, 180), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 140, 180, 170), fill="#c8c8c8")
    draw.ellipse((60, 20, 180, 140), fill="#f08c1e", outline="#502800", width=3)
    return np.asarray(image)


def stripes() -> Pixels:
    """Blue and white stripes to the edges."""
    image = np.full((200, 150, 3), 245, np.uint8)
    image[np.arange(200) // 10 % 2 == 0] = (30, 60, 150)
    return image


def test_features_come_in_input_order(towers: PictureTowers) -> None:
    pictures = [ball(), stripes(), ball(), stripes(), ball(), ball(), stripes()]

    together = towers.encode(pictures)

    for row, picture in enumerate(pictures):
        alone = towers.encode([picture])
        assert together.visual[row] @ alone.visual[0] > 0.9999
        np.testing.assert_allclose(together.colour[row], alone.colour[0], atol=1e-6)
        np.testing.assert_allclose(together.logits[row], alone.logits[0], atol=0.05)


def test_many_threads_get_their_own_answers(towers: PictureTowers) -> None:
    pictures = [ball(), stripes()] * 4
    expected = towers.encode(pictures)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda picture: towers.encode([picture]), pictures))

    for row, answer in enumerate(answers):
        assert answer.visual[0] @ expected.visual[row] > 0.9999


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (10, 20_000), (20_000, 10), (3, 3), (1, 4_000)],
    ids=lambda shape: f"{shape[1]}x{shape[0]}",
)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_odd_pictures_have_finite_vectors_of_length_one(
    towers: PictureTowers, shape: tuple[int, int], level: int
) -> None:
    features = towers.encode([np.full((*shape, 3), level, np.uint8)])

    assert np.isfinite(features.logits).all()
    assert np.linalg.norm(features.visual[0]) == pytest.approx(1.0, abs=1e-4)
    assert np.linalg.norm(features.colour[0]) == pytest.approx(1.0, abs=1e-4)


def test_no_pictures_make_no_rows(towers: PictureTowers) -> None:
    features = towers.encode([])

    assert features.visual.shape == (0, VISUAL_DIM)
    assert features.logits.shape == (0, CLASSES)


def test_a_turned_size_of_the_same_picture_stays_near(towers: PictureTowers) -> None:
    large = np.asarray(Image.fromarray(ball()).resize((960, 720), Image.Resampling.BICUBIC))

    features = towers.encode([ball(), large, stripes()])

    assert features.visual[0] @ features.visual[1] > 0.85
    assert features.visual[0] @ features.visual[1] > features.visual[0] @ features.visual[2] + 0.2


def test_the_weights_are_those_of_the_manifest() -> None:
    manifest = json.loads((MODELS / "manifest.json").read_text("utf-8"))["towers"]

    for name, side in TOWERS:
        assert hashlib.sha256((MODELS / f"{name}.onnx").read_bytes()).hexdigest() == manifest[name]["sha256"]
        assert manifest[name]["side"] == side
        assert manifest[name]["licence"] == "Apache-2.0"


def test_the_fingerprint_names_the_recipe(towers: PictureTowers) -> None:
    assert towers.fingerprint == PictureTowers.load().fingerprint
    assert towers.fingerprint.startswith("lite-towers-")


def test_known_pictures_have_known_features(towers: PictureTowers) -> None:
    """Six waves through the long vector, the first class and its logit; other processors round a little otherwise."""
    waves = np.sin(np.outer(np.arange(1, 7), np.arange(1, VISUAL_DIM + 1)))

    features = towers.encode([ball(), stripes()])

    golden = [[-0.445, 1.064, -0.86, 1.543, -1.198, -0.985], [-0.859, 0.238, -0.436, 1.382, -0.244, -0.301]]
    np.testing.assert_allclose(features.visual @ waves.T, golden, atol=0.25)
    assert features.logits.max(axis=1) == pytest.approx([6.2, 7.09], abs=0.6)
    assert features.colour.argmax(axis=1).tolist() == [137, 158]
    assert features.visual[0] @ features.visual[1] == pytest.approx(0.378, abs=0.05)
