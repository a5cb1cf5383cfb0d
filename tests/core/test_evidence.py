"""How a product's words are held against a query's."""

from __future__ import annotations

from core.evidence import Asking, Weighed
from core.language import Language
from core.types import Product

FIELDS = ("title", "description", "category", "attributes")


def weighed(language: Language, query: str, title: str, description: str = "") -> Weighed:
    product = Product("p", title, description=description)
    asking = Asking(language.understand(query), {}, 100, language)
    return asking.weigh(language.product_terms(product, FIELDS))


def test_a_product_that_says_everything_covers_the_query(language: Language) -> None:
    assert weighed(language, "black hoodie for men", "Men's hoodie, black") == (1.0, 1.0)


def test_both_languages_ask_the_same(language: Language) -> None:
    assert weighed(language, "男士黑色连帽卫衣", "Men's hoodie, black") == (1.0, 1.0)


def test_another_colour_or_gender_contradicts(language: Language) -> None:
    right = weighed(language, "black hoodie for men", "Men's hoodie, black")
    red = weighed(language, "black hoodie for men", "Men's hoodie, red")
    womens = weighed(language, "black hoodie for men", "Women's hoodie, black")
    silent = weighed(language, "black hoodie for men", "Men's hoodie")

    assert red.agreement < silent.agreement < right.agreement
    assert womens.agreement < right.agreement


def test_a_shade_satisfies_its_colour(language: Language) -> None:
    assert weighed(language, "pink dress", "Light pink dress").agreement > 0.8


def test_a_wrong_thing_covers_less_than_a_wrong_colour(language: Language) -> None:
    wrong_thing = weighed(language, "red sofa", "Red lamp")
    wrong_colour = weighed(language, "red sofa", "Blue sofa")

    assert wrong_thing.coverage < wrong_colour.coverage


def test_a_thing_that_is_only_mentioned_counts_less_than_the_thing(language: Language) -> None:
    phone = weighed(language, "手机", "小米14 智能手机")
    case = weighed(language, "手机", "手机壳 小米14")

    assert case.coverage < phone.coverage
    assert case.agreement < phone.agreement


def test_the_very_thing_holds_a_little_more_than_a_sort_of_it(language: Language) -> None:
    trousers = weighed(language, "裤子", "trousers")
    shorts = weighed(language, "裤子", "shorts")

    assert shorts.agreement < trousers.agreement


def test_what_is_refused_weighs_in_full_beside_many_wishes(language: Language) -> None:
    kept = weighed(language, "grey cotton shirt without stripes", "Grey cotton shirt")
    broken = weighed(language, "grey cotton shirt without stripes", "Grey cotton shirt, striped")

    assert kept.agreement - broken.agreement >= 0.9


def test_a_refused_word_in_the_description_weighs_half(language: Language) -> None:
    named = weighed(language, "shirt without stripes", "Shirt", "It has stripes.")

    assert -0.6 < named.agreement - weighed(language, "shirt", "Shirt").agreement < -0.4
