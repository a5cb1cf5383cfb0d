"""What queries are understood as: the traps of both languages, one sentence each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.language import Language, Understanding


def concepts(understood: Understanding) -> set[str]:
    return {unit.concept for unit in understood.units if unit.concept}


def refused(understood: Understanding) -> set[str]:
    return {unit.concept or unit.tokens[0] for unit in understood.excluded}


@pytest.mark.parametrize(
    "words",
    [
        "women's black hoodie",
        "black hoodies for women",
        "女士黑色连帽卫衣",
        "女款 黑色 連帽衛衣",
        "ｗｏｍｅｎ　BLACK hoodie",
    ],
)
def test_the_same_wish_is_read_alike_in_every_spelling_and_language(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert concepts(understood) == {"gender:women", "color:black", "kind:hoodie"}


@pytest.mark.parametrize("words", ["tee", "T恤", "tshirt", "t-shirt", "T-Shirts", "ｔ恤", "短袖T恤"])
def test_all_names_of_a_t_shirt_are_one_concept(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert any(unit.concept == "kind:t-shirt" or "kind:t-shirt" in unit.broader for unit in understood.units)


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        ("牛仔裤", "feature:loose-fit"),
        ("红酒", "color:red"),
        ("白菜", "color:white"),
        ("粉底", "color:pink"),
        ("米粉", "color:pink"),
        ("黄瓜", "color:yellow"),
        ("青岛啤酒", "color:green"),
        ("金鱼", "color:gold"),
        ("orange juice", "color:orange"),
        ("lavender soap", "color:light-purple"),
        ("coffee table", "color:dark-brown"),
        ("short sleeve shirt", "kind:shorts"),
        ("leg warmers", "kind:leggings"),
        ("ear cleaner", "kind:earring"),
    ],
)
def test_part_of_a_longer_word_is_not_a_word(language: Language, words: str, absent: str) -> None:
    understood = language.understand(words)

    assert absent not in concepts(understood)


def test_jeans_are_one_unit(language: Language) -> None:
    understood = language.understand("牛仔裤")

    assert [unit.concept for unit in understood.units] == ["kind:jeans"]


@pytest.mark.parametrize("words", ["orange hoodie", "lavender dress", "coffee leather bag"])
def test_a_fruit_or_flower_before_something_to_wear_is_its_colour(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert any(concept.startswith("color:") for concept in concepts(understood))


def test_a_row_of_colour_characters_is_all_those_colours(language: Language) -> None:
    understood = language.understand("黑白条纹T恤")

    assert concepts(understood) == {"color:black", "color:white", "pattern:striped", "kind:t-shirt"}


@pytest.mark.parametrize(
    ("words", "shade", "colour"),
    [
        ("浅粉色襦裙", "color:light-pink", "color:pink"),
        ("light pink dress", "color:light-pink", "color:pink"),
        ("pale pink dress", "color:light-pink", "color:pink"),
        ("藏青西装", "color:navy", "color:blue"),
        ("wine red scarf", "color:burgundy", "color:red"),
        ("酒红色围巾", "color:burgundy", "color:red"),
        ("米白毛衣", "color:off-white", "color:white"),
        ("深绿色外套", "color:dark-green", "color:green"),
    ],
)
def test_a_shade_knows_the_colour_it_belongs_to(
    language: Language, words: str, shade: str, colour: str
) -> None:
    understood = language.understand(words)

    found = {unit.concept: unit.broader for unit in understood.units}
    assert colour in found[shade]


def test_embroidered_and_printed_are_not_each_other(language: Language) -> None:
    embroidered, printed = language.understand("刺绣蝴蝶"), language.understand("印花蝴蝶")

    assert "pattern:embroidered" in concepts(embroidered)
    assert "pattern:printed" in concepts(printed)
    assert "pattern:printed" not in concepts(embroidered)
    assert "pattern:embroidered" not in concepts(printed)


@pytest.mark.parametrize("words", ["crew neck sweater", "crewneck sweater", "crew-neck sweater", "圆领毛衣"])
def test_a_form_of_several_words_may_be_joined_or_hyphenated(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert "feature:crew-neck" in concepts(understood)


@pytest.mark.parametrize("words", ["striped shirt", "shirt with stripes", "striping shirt"])
def test_endings_do_not_matter(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert {"pattern:striped", "kind:shirt"} <= concepts(understood)


def test_what_gets_embedded_holds_neither_negations_nor_prices(language: Language) -> None:
    understood = language.understand("linen dress without stripes under $50")

    assert understood.positive_text == "linen dress"
    assert understood.price_max == 50
    assert understood.text == "linen dress without stripes under $50"


@pytest.mark.parametrize("words", ["size 38", "160cm", "500ml 水杯", "iPhone 15", "A4 paper", "XL"])
def test_sizes_and_model_names_stay_words(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert understood.price_min is understood.price_max is None
    assert understood.units


@pytest.mark.parametrize("words", ["160cm", "160 cm", "160厘米", "160 厘米"])
def test_a_number_and_its_unit_are_one_word_in_both_languages(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert [unit.tokens for unit in understood.units] == [("160cm",)]


def test_an_unknown_chinese_word_is_found_by_itself_or_by_its_english(language: Language) -> None:
    (unit,) = language.understand("水豚").units

    assert "水豚" in unit.tokens
    assert "capybara" in unit.tokens


@pytest.mark.parametrize(
    "words",
    [
        "Зимняя куртка",
        "سترة سوداء",
        "かわいい犬",
        "개구리",
        "กบสีเขียว",
        "मेंढक",
        "👗",
        "naïve café",
        "\u0301",
        "ﷺ",
        "ª",
        "１２３",
        "㎏",
    ],
)
def test_no_script_is_lost(language: Language, words: str) -> None:
    assert language.understand(words).units


@pytest.mark.parametrize("words", ["", "   ", "。，！", "\u200b\u202e\x00", "\ud800"])
def test_a_text_without_words_asks_for_nothing(language: Language, words: str) -> None:
    understood = language.understand(words)

    assert understood.units == understood.excluded == ()


def test_a_query_of_little_words_asks_for_these(language: Language) -> None:
    assert len(language.understand("the who").units) == 2


def test_invisible_characters_do_not_hide_a_word(language: Language) -> None:
    assert (
        language.understand("re\u200dd\u202e\u200bhood\u00adie").units
        == language.understand("red hoodie").units
    )


@pytest.mark.parametrize("words", ["red or blue sneakers", "红色或蓝色的运动鞋"])
def test_a_choice_is_one_thing_that_may_be_either(language: Language, words: str) -> None:
    units = language.understand(words).units

    assert {"color:red", "color:blue"} in [set(unit.tokens) for unit in units]


def test_a_chinese_name_ends_in_the_thing_itself(language: Language) -> None:
    assert concepts(language.understand("灰色布艺沙发床")) == {
        "color:gray",
        "material:fabric",
        "kind:sofa-bed",
    }


def test_a_number_of_packets_is_no_bag(language: Language) -> None:
    assert "kind:bag" not in concepts(language.understand("纸巾30包"))


def test_many_threads_read_alike(language: Language) -> None:
    words = [
        f"{colour} hoodies {number}" for number in range(100) for colour in ("red", "navy", "dark green")
    ]
    alone = [language.understand(text) for text in words]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(Language.load().understand, words))

    assert together == alone
