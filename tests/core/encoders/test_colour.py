"""What the colour histogram and the colour words say about plain pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.encoders.colour import (
    COLOUR_DIM,
    COLOUR_WORDS,
    colour_histogram,
    colour_names,
    colour_word_vectors,
)
from core.types import Pixels

SHIRT = [
    (30, 30),
    (70, 20),
    (130, 20),
    (170, 30),
    (190, 90),
    (160, 95),
    (155, 180),
    (45, 180),
    (40, 95),
    (10, 90),
]
PLAIN = {
    "black": "#141414",
    "white": "#fafafa",
    "gray": "#848484",
    "red": "#d01824",
    "pink": "#f59ab5",
    "orange": "#f5821e",
    "yellow": "#f7da2d",
    "green": "#2d9440",
    "turquoise": "#30c4bc",
    "blue": "#2a62c8",
    "navy": "#172048",
    "purple": "#7a3fa0",
    "brown": "#6b4023",
    "beige": "#dcc6a2",
}


def shirt(colour: str, background: str) -> Pixels:
    """A shirt shape of one colour on a plain background."""
    image = Image.new("RGB", (200, 200), background)
    ImageDraw.Draw(image).polygon(SHIRT, fill=colour)
    return np.asarray(image)


@pytest.mark.parametrize("word", [word for word in PLAIN if word != "white"])
def test_a_plain_shirt_on_white_has_its_colour(word: str) -> None:
    names = colour_names(shirt(PLAIN[word], "white"))

    assert names[0][0] == word
    assert names[0][1] > 0.9


@pytest.mark.parametrize("background", ["white", "gray", "black", "#d9c7a8"])
def test_a_red_shirt_is_red_whatever_lies_behind_it(background: str) -> None:
    names = colour_names(shirt("#c81e28", background))

    assert names[0][0] == "red"
    assert names[0][1] > 0.9


def test_a_white_shirt_with_an_outline_keeps_its_white() -> None:
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).polygon(SHIRT, fill="white", outline="#555555", width=4)

    assert colour_names(np.asarray(image))[0][0] == "white"


def test_a_picture_of_one_colour_has_that_colour() -> None:
    names = colour_names(np.full((50, 80, 3), 255, np.uint8))

    assert names == [("white", 1.0)]


def test_two_colours_share_by_area() -> None:
    image = Image.new("RGB", (200, 200), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 40, 160, 130), fill="#1e50b4")
    draw.rectangle((40, 131, 160, 160), fill="#d01824")

    shares = dict(colour_names(np.asarray(image)))

    assert shares["blue"] == pytest.approx(0.75, abs=0.05)
    assert shares["red"] == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 2), (33, 77)])
def test_a_histogram_of_any_size_is_finite_and_of_length_one(size: tuple[int, int]) -> None:
    histogram = colour_histogram(Image.new("RGB", size, "#5a3c78"))

    assert histogram.shape == (COLOUR_DIM,)
    assert np.isfinite(histogram).all()
    assert np.linalg.norm(histogram) == pytest.approx(1.0, abs=1e-5)


def test_the_background_does_not_change_the_histogram_much() -> None:
    on_white, on_gray = (
        colour_histogram(Image.fromarray(shirt("#2a62c8", background))) for background in ("white", "#888888")
    )

    assert on_white @ on_gray > 0.95


def test_a_colour_word_is_nearest_to_pictures_of_that_colour() -> None:
    vectors = np.stack([colour_word_vectors()[word] for word in COLOUR_WORDS])

    for word, colour in PLAIN.items():
        background = "#d01824" if word == "white" else "white"
        similarities = vectors @ colour_histogram(Image.fromarray(shirt(colour, background)))
        assert COLOUR_WORDS[int(similarities.argmax())] == word
