"""Texts made against their grammars are read, or refused by the error that is documented, and nothing else happens."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bench.fuzz.pictures import picture_targets
from bench.fuzz.running import Found, Target, attempt
from bench.fuzz.texts import ANY_TEXT, text_targets
from core.language.tokens import join_measures

TARGETS = text_targets() | picture_targets()
LONG = 200_000
"""Of a pattern that looks at every digit for every digit, that would be an hour."""
FEW = settings(
    max_examples=80, derandomize=True, database=None, deadline=None,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_no_input_leads_to_an_error_that_nobody_expects(target: Target) -> None:
    @FEW
    @given(target.inputs)
    def is_answered(example: object) -> None:
        target.answers(example)

    is_answered()


def test_the_search_for_hostile_input_tells_what_broke_and_where() -> None:
    def breaks(text: str) -> None:
        if "\0" in text:
            raise ZeroDivisionError
        raise ValueError

    target, found = Target("broken", ANY_TEXT, breaks, (ValueError,)), Found("broken", seed=1)

    for text in ("a", "a\0", "b\0"):
        attempt(target, found, text)

    assert found.examples == 3
    assert not found.is_clean
    (place,) = found.crashes
    assert place.startswith("ZeroDivisionError")
    assert found.crashes[place] == repr("a\0")


@pytest.mark.parametrize("text", ["0" * LONG, "0." * LONG, "cm " * LONG], ids=["digits", "points", "units"])
def test_measures_are_looked_for_in_no_time(text: str) -> None:
    assert join_measures(text) == text
