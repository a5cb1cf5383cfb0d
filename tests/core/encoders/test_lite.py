"""Words and pictures in the lite encoder's one space: real weights, plain drawings and, where they are, judged pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.encoder import Encoded, Encoder, PreparingEncoder
from core.encoders.lite import LiteEncoder
from core.images import decode
from core.language import Language
from core.types import Pixels

Float = NDArray[np.float32]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lite() -> LiteEncoder:
    return LiteEncoder.load(Language.load())


def plain(*colour: int) -> Pixels:
    """A coloured square on white."""
    pixels = np.full((200, 200, 3), 255, np.uint8)
    pixels[40:160, 40:160] = colour
    return pixels


def long_form(encoded: Encoded) -> Float:
    assert encoded.features is not None
    return encoded.features


def test_the_lite_encoder_is_an_encoder_that_prepares(lite: LiteEncoder) -> None:
    encoder: Encoder = lite
    preparing: PreparingEncoder = lite

    assert encoder.dim <= 768
    assert preparing.fingerprint.startswith("lite-")


def test_rows_have_the_promised_lengths(lite: LiteEncoder) -> None:
    for encoded in (
        lite.encode_texts(["red shoe", "红色的鞋"], as_query=True),
        lite.encode_texts(["red shoe", "红色的鞋"]),
        lite.encode_images([plain(200, 30, 30), plain(30, 30, 200)]),
    ):
        assert encoded.vectors.shape == (2, lite.dim)
        assert long_form(encoded).shape == (2, lite.feature_dim)
        assert encoded.vectors.dtype == long_form(encoded).dtype == np.float32
        assert np.linalg.norm(encoded.vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_nothing_in_gives_nothing_out(lite: LiteEncoder) -> None:
    assert lite.encode_texts([]).vectors.shape == (0, lite.dim)
    assert lite.encode_texts([], as_query=True).vectors.shape == (0, lite.dim)
    assert lite.encode_images([]).vectors.shape == (0, lite.dim)


@pytest.mark.parametrize("text", ["", " ", "!!!", "的", "\x00", "\u200b", "🙂"])
def test_a_text_without_words_still_has_a_vector(lite: LiteEncoder, text: str) -> None:
    for as_query in (False, True):
        encoded = lite.encode_texts([text], as_query=as_query)

        assert np.linalg.norm(encoded.vectors) == pytest.approx(1, abs=1e-5)
        assert np.isfinite(long_form(encoded)).all()


def test_the_same_input_gives_the_same_numbers_alone_and_in_company(lite: LiteEncoder) -> None:
    alone = lite.encode_images([plain(200, 30, 30)])
    again = lite.encode_images([plain(200, 30, 30)])
    together = lite.encode_images([plain(30, 30, 200), plain(200, 30, 30)])

    assert np.array_equal(alone.vectors, again.vectors)
    assert together.vectors[1] @ alone.vectors[0] == pytest.approx(1, abs=1e-3)


def test_prepared_pictures_are_encoded_like_pictures(lite: LiteEncoder) -> None:
    pictures = [plain(200, 30, 30), plain(30, 30, 200)]

    prepared = lite.encode_prepared([lite.prepare(picture) for picture in pictures])

    assert np.array_equal(prepared.vectors, lite.encode_images(pictures).vectors)


@pytest.mark.parametrize("query", ["a red square", "红色方块"])
def test_a_colour_word_finds_the_picture_of_that_colour(lite: LiteEncoder, query: str) -> None:
    pictures = lite.encode_images([plain(210, 30, 30), plain(30, 40, 200), plain(40, 160, 50)])

    asked = lite.encode_texts([query], as_query=True)

    assert (long_form(pictures) @ long_form(asked)[0]).argmax() == 0


def test_a_text_is_near_to_what_says_the_same_in_the_other_language(lite: LiteEncoder) -> None:
    documents = lite.encode_texts(["black hoodie", "red dress", "leather sofa", "lipstick"])

    asked = lite.encode_texts(["黑色卫衣", "红色连衣裙", "皮沙发", "口红"], as_query=True)

    for rows, columns in ((asked.vectors, documents.vectors), (long_form(asked), long_form(documents))):
        assert (rows @ columns.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_both_languages_at_once_are_read(lite: LiteEncoder) -> None:
    documents = lite.encode_texts(["black hoodie", "red dress"])

    asked = lite.encode_texts(["hoodie 黑色 卫衣"], as_query=True)

    assert (documents.vectors @ asked.vectors[0]).argmax() == 0


THINGS = {
    "frog": ("a frog", "青蛙"),
    "banana": ("banana", "香蕉"),
    "airplane": ("airplane", "飞机"),
    "hammer": ("hammer", "锤子"),
    "elephant": ("elephant", "大象"),
    "teapot": ("teapot", "茶壶"),
    "violin": ("violin", "小提琴"),
    "tiger": ("tiger", "老虎"),
    "camera": ("camera", "照相机"),
}


def pictures_of_things(judged: Path) -> list[Pixels]:
    """The first stamp whose English name ends with the thing."""
    folder = judged / "stamps_multilingual"
    lines = (folder / "products.jsonl").read_text("utf-8").splitlines()
    products = [product for product in map(json.loads, lines) if not product["attributes"]["drawing"]]
    found = []
    for thing in THINGS:
        product = next(p for p in products if p["title"].lower().rstrip(".").split()[-1:] == [thing])
        path = folder / product["image"]
        found.append(decode(path.read_bytes(), source=path.name))
    return found


@pytest.fixture(scope="module")
def shown(lite: LiteEncoder, judged: Path) -> Encoded:
    return lite.encode_images(pictures_of_things(judged))


@pytest.mark.parametrize("language", [0, 1])
def test_a_thing_s_name_finds_its_picture(lite: LiteEncoder, shown: Encoded, language: int) -> None:
    asked = lite.encode_texts([names[language] for names in THINGS.values()], as_query=True)

    best = (long_form(asked) @ long_form(shown).T).argmax(axis=1)

    assert (best == np.arange(len(THINGS))).mean() >= 0.75


def test_chinese_orders_pictures_as_english_does(lite: LiteEncoder, shown: Encoded) -> None:
    english, chinese = (
        long_form(lite.encode_texts([names[i] for names in THINGS.values()], as_query=True)) for i in (0, 1)
    )
    pictures = long_form(shown).T

    agreement = [
        np.corrcoef(in_english, in_chinese)[0, 1]
        for in_english, in_chinese in zip(english @ pictures, chinese @ pictures, strict=True)
    ]

    assert np.mean(agreement) > 0.8


def test_recall_vectors_order_pictures_much_as_the_long_form_does(lite: LiteEncoder, shown: Encoded) -> None:
    asked = lite.encode_texts([names[0] for names in THINGS.values()], as_query=True)

    short, long = asked.vectors @ shown.vectors.T, long_form(asked) @ long_form(shown).T

    assert np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(short, long, strict=True)]) > 0.8


def test_int8_rows_keep_dot_products(lite: LiteEncoder, shown: Encoded) -> None:
    pictures = long_form(shown)
    asked = long_form(lite.encode_texts([name for names in THINGS.values() for name in names], as_query=True))
    scales = np.abs(pictures).max(axis=1, keepdims=True) / 127
    stored = (np.rint(pictures / scales) * scales).T

    by_picture, by_text = pictures @ pictures.T, asked @ pictures.T

    assert np.abs(pictures @ stored - by_picture).max() < 0.01
    assert np.abs(asked @ stored - by_text).mean() < 0.1 * by_text.std()
    assert np.corrcoef((asked @ stored).ravel(), by_text.ravel())[0, 1] > 0.99
