"""Filters: what is read, how it is read, and what is refused with its place."""

from __future__ import annotations

from contextlib import suppress

import pytest

from core.errors import InvalidFilter
from core.filters import And, Between, Compare, Filter, Not, Or, folded, folded_path, number, parse_filter

RED = Compare("color", "=", "red")
BLUE = Compare("color", "=", "blue")
CHEAP = Compare("price", "<", "500")


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        ("color = red", RED),
        ("color=red", RED),
        ("color:red", RED),
        ("COLOR == red", RED),
        ('"color" = "red"', RED),
        ("'color' = 'red'", RED),
        ("price < 500", CHEAP),
        ("price ≤ 500", Compare("price", "<=", "500")),
        ("price < 500 AND color = red", And((CHEAP, RED))),
        ("price < 500 and color = red", And((CHEAP, RED))),
        ("color = red OR color = blue AND price < 500", Or((RED, And((BLUE, CHEAP))))),
        ("(color = red OR color = blue) AND price < 500", And((Or((RED, BLUE)), CHEAP))),
        ("NOT color = red", Not(RED)),
        ("not not color = red", Not(Not(RED))),
        ("color != red", Not(RED)),
        ("color <> red", Not(RED)),
        ("color IN (red, blue)", Or((RED, BLUE))),
        ("color NOT IN (red)", Not(Or((RED,)))),
        ("price 10 TO 20", Between("price", 10.0, 20.0)),
        ("price -1.5 to 1e3", Between("price", -1.5, 1000.0)),
        ("brand = Acme Co", Compare("brand", "=", "Acme Co")),
        ('brand = "Acme \\"Co\\" AND more"', Compare("brand", "=", 'Acme "Co" AND more')),
        ("category = Women > Tops", None),
        ('category = "Women > Tops"', Compare("category", "=", "Women > Tops")),
        ("颜色 = 浅粉色", Compare("颜色", "=", "浅粉色")),
        ("颜色 IN （红色，蓝色）", Or((Compare("颜色", "=", "红色"), Compare("颜色", "=", "蓝色")))),
        ("size = 10-12", Compare("size", "=", "10-12")),
        ("", None),
        ("  \n ", None),
    ],
)
def test_an_expression_is_read_as_its_tree(expression: str, tree: Filter | None) -> None:
    if tree is None and expression.strip():
        with pytest.raises(InvalidFilter):
            parse_filter(expression)
    else:
        assert parse_filter(expression) == tree


@pytest.mark.parametrize(
    ("expression", "position", "reason"),
    [
        ("price <", 7, "expected a value"),
        ("price < cheap", 8, "needs a number"),
        ("price < nan", 8, "needs a number"),
        ("price < 1_000", 8, "needs a number"),
        ("color = red)", 11, "expected AND"),
        ("(color = red", 12, "closing parenthesis"),
        ("color", 5, "expected ="),
        ("= red", 0, "name of a field"),
        ("AND color = red", 0, "name of a field"),
        ("color = AND", 8, "in quotes"),
        ("color = red color = blue", 18, "expected AND"),
        ('color = "red', 8, "doesn't belong"),
        ("color ! red", 6, "doesn't belong"),
        ("color IN red", 9, "opening parenthesis"),
        ("color IN ()", 10, "expected a value"),
        ("price 10 20", 9, "expected TO"),
        ("price 10 TO many", 12, "expected a number"),
        ("a = 1 OR", 8, "name of a field"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place_and_a_sentence(
    expression: str, position: int, reason: str
) -> None:
    with pytest.raises(InvalidFilter, match=reason) as refused:
        parse_filter(expression)

    assert refused.value.position == position


@pytest.mark.parametrize(
    "expression",
    [
        "x = " + "y" * 4_000,
        "(" * 33 + "a = 1" + ")" * 33,
        "NOT " * 33 + "a = 1",
        " OR ".join(["a = 1"] * 201),
        "a IN (" + ",".join(["1"] * 201) + ")",
    ],
)
def test_an_expression_beyond_the_bounds_is_refused(expression: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_filter(expression)


def test_an_expression_at_the_bounds_is_read() -> None:
    assert parse_filter("(" * 31 + "color = red" + ")" * 31) == RED
    assert parse_filter(" OR ".join(["color = red"] * 200)) == Or((RED,) * 200)


@pytest.mark.parametrize(
    "expression", ["\0", "a = \0", "\ud800 = 1", "'", '"', "\\", "a = '\\", "((((", "))))"]
)
def test_hostile_text_is_read_or_refused_by_name(expression: str) -> None:
    with suppress(InvalidFilter):
        assert parse_filter(expression) is not None


def test_values_are_compared_without_case_width_and_spaces() -> None:
    assert folded("  ＡＣＭＥ   Straße ") == "acme strasse"
    assert folded_path("Women>Tops >  Shirts") == "women > tops > shirts"


def test_only_plain_decimals_are_numbers() -> None:
    assert [number(text) for text in ("15", "-1.5", "１２", ".5", "1e3")] == [15.0, -1.5, 12.0, 0.5, 1000.0]
    assert [number(text) for text in ("nan", "inf", "1_0", "", "12cm", "1e999", "9" * 400)] == [None] * 7
