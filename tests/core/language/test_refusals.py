"""What queries refuse, in both languages, and how spoken Chinese is read."""

from __future__ import annotations

import pytest

from core.language import Language, Understanding


def refused(understood: Understanding) -> set[str]:
    return {unit.concept or unit.tokens[0] for unit in understood.excluded}


def concepts(understood: Understanding) -> set[str]:
    return {unit.concept for unit in understood.units if unit.concept}


@pytest.mark.parametrize(
    ("words", "not_wanted", "wanted"),
    [
        ("not red dress", "color:red", "kind:dress"),
        ("dress, not red", "color:red", "kind:dress"),
        ("dress but not floral", "pattern:floral", "kind:dress"),
        ("hoodie without zipper for men", "feature:zip", "gender:men"),
        ("不要红色的裙子", "color:red", "kind:skirt-or-dress"),
        ("没有条纹的黑色T恤", "pattern:striped", "color:black"),
        ("不带帽子的卫衣", "feature:hooded", "kind:sweatshirt"),
        ("不加绒卫衣男", "feature:fleece-lined", "kind:sweatshirt"),
        ("无帽卫衣女", "feature:hooded", "gender:women"),
        ("不露肩的裙子", "feature:off-shoulder", "kind:skirt-or-dress"),
        ("短袖不要长袖衬衫男", "feature:long-sleeve", "gender:men"),
        ("T恤不要印花", "pattern:printed", "kind:t-shirt"),
        ("除了红色以外的T恤", "color:red", "kind:t-shirt"),
        ("not leather shoes", "material:leather", "kind:shoe"),
        ("paraben free shampoo, no purple", "color:purple", "kind:shampoo"),
    ],
)
def test_what_is_negated_is_refused_and_the_rest_is_wanted(
    language: Language, words: str, not_wanted: str, wanted: str
) -> None:
    understood = language.understand(words)

    assert not_wanted in refused(understood)
    assert wanted in concepts(understood)
    assert not_wanted not in concepts(understood)


@pytest.mark.parametrize(
    "words",
    ["no-show socks", "non-slip shoes", "seamless underwear", "无线耳机", "无袖连衣裙", "不锈钢锅", "无花果",
     "非洲菊", "别针", "sugar-free cookies", "No. 5 perfume", "free shipping mug", "wrinkle free shirt", "免烫衬衫"],
)  # fmt: skip
def test_words_that_only_look_like_negations_refuse_nothing(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert understood.excluded == ()
    assert understood.units


@pytest.mark.parametrize("words", ["内衣 不要钢圈", "不带钢圈的内衣女", "没有钢圈的内衣"])
def test_a_refused_part_asks_for_what_bears_the_name_of_its_absence(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert "feature:wireless-bra" in {unit.concept for unit in understood.units}
    assert not understood.excluded


@pytest.mark.parametrize(
    ("spoken", "thing"),
    [
        ("阔腿裤子", "kind:wide-leg-pants"),
        ("百褶裙子女", "kind:pleated-skirt"),
        ("马丁靴子", "kind:martens-boot"),
    ],
)
def test_a_noun_that_speech_ends_in_zi_is_the_same_thing(language: Language, spoken: str, thing: str) -> None:
    assert language.understand(spoken).units[0].concept == thing


def test_a_word_of_several_properties_asks_for_each(language: Language) -> None:
    asked = {unit.concept for unit in language.understand("加绒加厚卫衣").units}

    assert {"feature:fleece-lined", "feature:thick", "kind:sweatshirt"} <= asked


@pytest.mark.parametrize(
    ("words", "not_wanted", "wanted"),
    [
        ("黑色以外的运动鞋", "color:black", "kind:sneaker"),
        ("马丁靴 黑色除外", "color:black", "kind:martens-boot"),
        ("裙子 别太短 过膝最好", "feature:short", "feature:midi-length"),
    ],
)
def test_a_refusal_may_follow_its_word_and_ends_at_the_next_request(
    language: Language, words: str, not_wanted: str, wanted: str
) -> None:
    understood = language.understand(words)

    assert not_wanted in refused(understood)
    assert wanted in {unit.concept for unit in understood.units}


def test_a_lone_character_without_a_meaning_refuses_nothing(language: Language) -> None:
    assert language.understand("没有耳洞能戴的耳饰").excluded == ()
