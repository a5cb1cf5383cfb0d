"""What products can be found by, and what the encoder reads of them."""

from __future__ import annotations

import time

from core.language import Language
from core.types import Product

ALL = ("title", "description", "category", "attributes")


def test_a_concept_brings_all_its_ancestors(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="Light pink merino hoodie"), ALL)

    assert {
        "color:light-pink",
        "color:pink",
        "material:merino",
        "material:wool",
        "kind:hoodie",
    } <= terms.strong


def test_every_unit_of_a_query_is_met_by_a_product_that_says_the_same(language: Language) -> None:
    title = "浅粉色齐胸襦裙 刺绣蝴蝶 适合160cm女生"
    terms = language.product_terms(Product(id="1", title=title), ALL)

    units = language.understand("浅粉色齐胸襦裙，带刺绣蝴蝶，适合160cm女生").units

    assert all(terms.strong.intersection(unit.tokens) for unit in units)


def test_an_english_query_meets_a_chinese_title_and_the_other_way_round(language: Language) -> None:
    chinese = language.product_terms(Product(id="1", title="男士黑色连帽卫衣"), ALL)
    english = language.product_terms(Product(id="2", title="Men's black hoodie"), ALL)

    assert all(
        chinese.strong.intersection(unit.tokens) for unit in language.understand("black hoodie for men").units
    )
    assert all(
        english.strong.intersection(unit.tokens) for unit in language.understand("男士黑色连帽卫衣").units
    )


def test_a_hidden_field_leaves_no_trace(language: Language) -> None:
    product = Product(
        id="1",
        title="Red scarf",
        titles={"zh": "红色围巾"},
        description="soft cashmere",
        category=("Accessories",),
        attributes={"color": ("Red",)},
    )

    hidden = language.product_terms(product, ("description",))

    assert hidden.strong == frozenset()
    assert not any("red" in token or "scarf" in token or "围" in token for token in hidden.weak)
    assert language.product_text(product, ("category",)) == "Accessories."


def test_titles_of_all_languages_belong_to_the_title(language: Language) -> None:
    terms = language.product_terms(
        Product(id="1", title="frog", titles={"zh": "青蛙", "de": "Ein Frosch"}), ("title",)
    )

    assert {"frog", "青蛙", "frosch"} <= terms.strong


def test_descriptions_are_weak_and_never_repeat_what_is_strong(language: Language) -> None:
    terms = language.product_terms(
        Product(id="1", title="Red scarf", description="A warm red wool scarf"), ALL
    )

    assert "color:red" in terms.strong
    assert "material:wool" in terms.weak
    assert terms.strong.isdisjoint(terms.weak)


def test_hashes_links_files_and_booleans_are_not_words(language: Language) -> None:
    product = Product(
        id="1",
        attributes={
            "image_md5": ("b20b1c97393fbace14034ee3c59bb23a",),
            "source": ("retail-demo-store",),
            "shared_photo": ("False",),
            "manual": ("https://example.com/manual.pdf",),
            "class_id": ("7",),
            "token": ("b20b1c97393fbace14034ee3c59bb23a",),
            "drawing": ("true",),
        },
    )

    terms = language.product_terms(product, ALL)

    assert terms.strong == terms.weak == frozenset()


def test_attribute_names_tell_what_their_values_mean(language: Language) -> None:
    product = Product(
        id="1", attributes={"gender": ("M",), "Color": ("Orange",), "颜色": ("咖啡色",), "材质": ("棉",)}
    )

    terms = language.product_terms(product, ALL)

    assert {"gender:men", "color:orange", "color:brown", "material:cotton"} <= terms.strong


def test_what_a_product_is_without_is_no_reason_to_find_it(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="Jacket without hood", description="不含酒精"), ALL)

    assert "feature:hooded" not in terms.strong
    assert "kind:jacket" in terms.strong


def test_long_sleeves_inside_a_form_are_found_too(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="长袖T恤女"), ALL)

    assert {"feature:long-sleeve", "kind:t-shirt", "gender:women"} <= terms.strong


def test_three_character_words_and_their_bigrams_are_indexed(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="老式机械表维修"), ALL)

    assert {"机械", "械表", "机", "机械表"} <= terms.strong


def test_the_text_for_the_encoder_is_plain_and_short(language: Language) -> None:
    product = Product(
        id="1",
        title="Wool coat",
        titles={"zh": "羊毛大衣"},
        category=("Women", "Coats"),
        attributes={"color": ("Camel",), "image_md5": ("b20b1c97393fbace14034ee3c59bb23a",)},
        description="<p>Soft &amp; warm.</p><script>alert(1)</script> See https://example.com/x "
        + "very nice " * 200,
    )

    text = language.product_text(product, ALL)

    assert text.startswith("Wool coat. 羊毛大衣. Women / Coats. Camel. . Soft & warm. ") or text.startswith(
        "Wool coat. 羊毛大衣. Women / Coats. Camel. "
    )
    assert "<" not in text
    assert "alert" not in text
    assert "http" not in text
    assert len(text) < 500


def test_huge_and_strange_texts_take_no_time(language: Language) -> None:
    product = Product(
        id="1", title="红" * 1_000_000, description="<p" * 500_000, attributes={"note": ("x" * 1_000_000,)}
    )

    started = time.perf_counter()
    language.product_terms(product, ALL)
    language.product_text(product, ALL)

    assert time.perf_counter() - started < 2


def test_a_brand_is_a_name_and_nothing_else(language: Language) -> None:
    terms = language.product_terms(Product(id="1", attributes={"brand": ("Apple Orange",)}), ALL)

    assert terms.strong == {"apple", "orange"}


def test_an_attribute_that_names_a_part_says_what_its_value_is_of(language: Language) -> None:
    product = Product(
        id="1", attributes={"Sleeve Length": ("Long",), "neckline": ("Crew",), "sizes": ("S", "XL")}
    )

    terms = language.product_terms(product, ALL)

    assert {"feature:long-sleeve", "feature:crew-neck", "size:s", "size:xl"} <= terms.strong


def test_a_model_name_is_found_however_it_is_spaced(language: Language) -> None:
    spaced = language.product_terms(Product(id="1", title="iPhone 15 case"), ALL)
    joined = language.product_terms(Product(id="2", title="WH1000XM4 headphones"), ALL)

    assert {"iphone15", "iphone", "15"} <= spaced.strong
    assert {"wh", "1000xm4", "wh1000xm4"} <= joined.strong


def test_a_thing_named_in_parts_is_that_thing(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="卫衣女2024白色连帽宽松"), ("title",))

    assert "kind:hoodie" in terms.strong


def test_clothes_for_children_are_for_boys_not_for_men(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="儿童泳裤男中大童"), ("title",))

    assert "gender:boys" in terms.strong
    assert "gender:men" not in terms.strong
    assert "gender:boys" in {unit.concept for unit in language.understand("儿童泳裤男").units}


def test_what_both_may_wear_is_for_either(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="高帮帆布鞋男女同款"), ("title",))

    assert {"gender:men", "gender:women", "gender:unisex"} <= terms.strong


def test_a_property_that_a_title_denies_takes_nothing_else_with_it(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="打底裤女不加绒薄款春秋"), ("title",))

    assert "feature:fleece-lined" not in terms.strong
    assert {"feature:thin", "season:autumn"} <= terms.strong


def test_a_lone_colour_behind_a_thing_is_its_colour(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="跑步鞋男运动鞋黑"), ("title",))

    assert "color:black" in terms.strong


def test_a_material_makes_the_thing_that_is_named_after_it(language: Language) -> None:
    terms = language.product_terms(Product(id="1", title="淡水珍珠耳环女S925银针"), ("title",))

    assert "kind:pearl-earring" in terms.strong
