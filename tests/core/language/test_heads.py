"""What a title is about, among all the things it names."""

from __future__ import annotations

import pytest

from core.language import KNOWN, Language
from core.types import Product


def heads(language: Language, title: str, **fields: tuple[str, ...]) -> set[str]:
    terms = language.product_terms(Product("p", title, **fields), ("title", "category"))  # type: ignore[arg-type]
    return {token.removeprefix("head:") for token in terms.strong if token.startswith("head:")}


@pytest.mark.parametrize(
    ("title", "thing", "mentioned"),
    [
        ("Sofa cover, grey", "sofa-cover", "sofa"),
        ("Lamp shade for desk lamp", "lamp-shade", "desk-lamp"),
        ("Guitar strings for acoustic guitar", "guitar-string", "guitar"),
        ("desk lamp with USB charger", "desk-lamp", "charger"),
        ("华为手机壳", "phone-case", "smartphone"),
        ("适用华为Mate60Pro手机壳", "phone-case", "smartphone"),
        ("手机壳适用苹果15", "phone-case", "apple"),
        ("猫砂盆 猫专用", "litter-box", "cat"),
    ],
)
def test_a_title_is_about_the_thing_and_not_what_it_is_for(
    language: Language, title: str, thing: str, mentioned: str
) -> None:
    found = heads(language, title)

    assert thing in found
    assert mentioned not in found


def test_things_joined_by_and_are_all_meant(language: Language) -> None:
    assert {"dress", "shoe"} <= heads(language, "dress and shoes")


def test_a_thing_without_a_name_is_surely_not_what_it_is_for(language: Language) -> None:
    found = heads(language, "Silicone sleeve-o-matic for laptop")

    assert "laptop" not in found
    assert KNOWN.removeprefix("head:") in found


def test_the_narrowest_category_tells_where_the_title_does_not(language: Language) -> None:
    assert "sofa" in heads(language, "KIVIK", category=("Furniture", "Sofas"))


def test_a_title_that_names_nothing_claims_nothing(language: Language) -> None:
    assert heads(language, "KIVIK") == set()


def test_a_query_marks_the_thing_it_is_about(language: Language) -> None:
    marked = {unit.concept for unit in language.understand("grey cover for sofa").units if unit.is_head}

    assert "kind:sofa" not in marked
    assert {unit.concept for unit in language.understand("grey sofa").units if unit.is_head} == {"kind:sofa"}
