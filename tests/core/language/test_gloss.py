"""English for Chinese: what the picture bridge and the encoder read beside the original words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.language import Language
from core.language.dictionary import Dictionary


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("男士黑色卫衣", "men black sweatshirt"),
        ("青蛙。", "frog"),
        ("一只小企鹅。", "small penguin"),
        ("紅蘋果", "red apple"),
        ("水果蛋糕", "fruit cake"),
        ("iPhone 15 手机壳", "iphone 15 phone case"),
        ("黑猫", "black cat"),
    ],
)
def test_chinese_is_told_in_english_word_by_word(language: Language, chinese: str, english: str) -> None:
    assert language.gloss(chinese) == english


def test_a_text_without_chinese_has_no_gloss(language: Language) -> None:
    assert language.gloss("red apple") is None
    assert language.understand("red apple").gloss is None


def test_the_gloss_leaves_out_what_is_refused(language: Language) -> None:
    assert language.understand("裙子不要红色").gloss == language.gloss("裙子")


def test_no_gloss_explains_the_dictionary_instead_of_the_word() -> None:
    dictionary = Dictionary.load()
    glosses = [
        dictionary.gloss(word) or ""
        for word in ("青蛙", "画", "钟", "樱花", "浅", "橙", "苹果", "猫", "老虎", "包")
    ]

    assert all(glosses)
    assert not any(mark in gloss for gloss in glosses for mark in ("variant", "CL:", "(", "[", "surname"))


@pytest.mark.parametrize(
    ("catalogue", "share"),
    [
        ("luma_apparel", 1.0),
        ("grocery_identify_dev", 1.0),
        ("emoji_bilingual", 0.9),
        ("stamps_multilingual", 0.8),
    ],
)
def test_most_chinese_queries_have_english_for_every_word(
    language: Language, judged: Path, catalogue: str, share: float
) -> None:
    lines = (judged / catalogue / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = {
        q["text"] for q in map(json.loads, lines) if q.get("text") and str(q.get("lang", "")).startswith("zh")
    }

    told = [query for query in queries if (gloss := language.gloss(query)) is None or gloss]

    assert len(told) / len(queries) >= share
