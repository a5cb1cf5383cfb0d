"""What the lite judge finds in a document's words and colours, and what a contradiction costs."""

from __future__ import annotations

import pytest

from core.language import Language
from core.types import Product
from rerank.instructions import DEFAULT_INSTRUCTION, PRESETS, PRODUCT_INSTRUCTION
from rerank.lite.emphasis import Emphasis
from rerank.lite.judge import without_what_is_wrong
from rerank.lite.wishes import Finding, find_all, wishes_of

COLOURS = {"red": 0, "black": 1, "pink": 2}


def found(
    language: Language, query: str, title: str, shown: dict[str, float] | None = None
) -> dict[str, Finding]:
    terms = language.product_terms(Product("p", title), ("title",))
    wishes = wishes_of(language.understand(query), language, COLOURS)
    return {each.check.attribute: each for each in find_all(wishes, terms, shown or {})}


def holds(language: Language, query: str, title: str) -> dict[str, bool | None]:
    return {kind: each.holds for kind, each in found(language, query, title).items()}


def test_what_a_title_states_holds_in_either_language(language: Language) -> None:
    wanted = {"color": True, "gender": True, "kind": True}

    assert holds(language, "women's black hoodie", "女士黑色连帽卫衣") == wanted
    assert holds(language, "女士黑色连帽卫衣", "Women's hoodie, black") == wanted


@pytest.mark.parametrize(
    ("query", "title", "kind"),
    [
        ("black hoodie", "Red hoodie", "color"),
        ("women's hoodie", "Men's hoodie", "gender"),
        ("striped dress", "Floral dress", "pattern"),
        ("刺绣襦裙", "印花襦裙", "pattern"),
        ("cotton shirt", "Linen shirt", "material"),
        ("black dress", "Black shirt", "kind"),
        ("手机", "手机壳", "kind"),
    ],
)
def test_another_one_contradicts(language: Language, query: str, title: str, kind: str) -> None:
    assert holds(language, query, title)[kind] is False


def test_a_shade_contradicts_nothing(language: Language) -> None:
    assert holds(language, "pink dress", "Light pink dress")["color"] is True
    assert holds(language, "light pink dress", "Pink dress")["color"] is not False


def test_silence_is_no_contradiction(language: Language) -> None:
    assert holds(language, "red striped dress", "Dress") == {"color": None, "pattern": None, "kind": True}


def test_what_is_refused_is_named_so(language: Language) -> None:
    finding = found(language, "dress, not red", "Red dress")["color"]

    assert (finding.check.wanted, finding.check.holds) == ("not red", False)
    assert found(language, "dress, not red", "Blue dress")["color"].check.holds is True


def test_one_of_two_things_asked_for_is_enough(language: Language) -> None:
    assert False not in holds(language, "汉服 樱花", "樱花树下的汉服").values()


def test_a_picture_tells_the_colour_that_words_leave_out_and_casts_doubt_on_what_they_say(
    language: Language,
) -> None:
    silent = found(language, "red dress", "Dress", {"red": 0.8})["color"]
    agreed = found(language, "red dress", "Red dress", {"red": 0.8})["color"]
    doubted = found(language, "red dress", "Red dress", {"red": 0.0, "black": 0.9})["color"]

    assert silent.holds is True
    assert doubted.is_doubted
    assert doubted.confidence < agreed.confidence


def left(language: Language, query: str, title: str, instruction: str = PRODUCT_INSTRUCTION) -> float:
    findings = tuple(found(language, query, title).values())
    return without_what_is_wrong(1.0, findings, Emphasis.of(instruction))


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("black hoodie for women", "Red hoodie for women"),
        ("black hoodie for women", "Black hoodie for men"),
        ("black hoodie for women", "Black leggings for women"),
        ("striped dress", "Floral dress"),
        ("dress, not red", "Red dress"),
    ],
)
def test_a_wrong_core_or_half_of_what_is_asked_is_low(language: Language, query: str, title: str) -> None:
    assert left(language, query, title) < 0.4


def test_one_wrong_detail_among_many_may_still_fit(language: Language) -> None:
    assert 0.4 < left(language, "浅粉色齐胸襦裙,带刺绣蝴蝶", "浅粉色齐胸襦裙,印花蝴蝶") < 0.7


def test_an_instruction_that_names_patterns_makes_a_wrong_one_cost_more(language: Language) -> None:
    case = ("浅粉色齐胸襦裙,带刺绣蝴蝶", "浅粉色齐胸襦裙,印花蝴蝶")

    assert left(language, *case, PRODUCT_INSTRUCTION) < left(language, *case, DEFAULT_INSTRUCTION)
    assert left(language, *case, "只看图案和颜色") < left(language, *case, DEFAULT_INSTRUCTION)


def test_instructions_tell_copies_and_answers_from_goods() -> None:
    assert Emphasis.of(PRESETS["copyright"].instruction).wants_copies
    assert Emphasis.of(PRESETS["support"].instruction).wants_answers
    assert Emphasis.of("找出盗图").wants_copies
    for name in ("default", "product", "serp", "coldstart"):
        emphasis = Emphasis.of(PRESETS[name].instruction)
        assert not emphasis.wants_copies
        assert not emphasis.wants_answers
