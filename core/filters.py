"""The language of filters: text such as `price < 500 AND color = pink` into a frozen tree."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, NoReturn, cast

from core.errors import InvalidFilter
from core.filter_tokens import Token, tokens_of

MAX_CHARACTERS = 4_000
MAX_DEPTH = 32
MAX_TERMS = 200
PATH_SEPARATOR = " > "
_PARTS_OF_PATH = re.compile(r"\s*>\s*")


Operator = Literal["=", "<", "<=", ">", ">="]
"""How a field and a value are compared; `!=` is Not of `=`."""


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against one value; a product with several values passes when any of them does."""

    field: str
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class Between:
    """A number from `low` to `high`, both included."""

    field: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Not:
    """What the part doesn't match."""

    part: Filter


@dataclass(frozen=True, slots=True)
class And:
    """What all parts match."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What any part matches."""

    parts: tuple[Filter, ...]


Filter = Compare | Between | Not | And | Or


def folded(text: str) -> str:
    """The form in which names and values are compared: NFKC, case and spaces don't count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def folded_path(text: str) -> str:
    """A category path as it is compared: `Women>Tops` is `women > tops`."""
    return PATH_SEPARATOR.join(_PARTS_OF_PATH.split(folded(text).strip("> ")))


def number(text: str) -> float | None:
    """The number that a value is, or None; only plain decimals count, neither nan nor infinity."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return float(plain) if _NUMBER.fullmatch(plain) else None


def parse_filter(expression: str) -> Filter | None:
    """The tree of an expression, None for an empty one; InvalidFilter names the place and what is wrong."""
    if len(expression) > MAX_CHARACTERS:
        raise InvalidFilter(
            expression[:40] + "…", MAX_CHARACTERS, f"longer than {MAX_CHARACTERS:,} characters"
        )
    tokens = tokens_of(expression)
    return None if tokens[0].kind == "end" else _Parser(expression, tokens).whole()


_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:[eE][+-]?[0-9]{1,2})?")


class _Parser:
    """Recursive descent: NOT before AND before OR. Depth and size are bounded; no text can exhaust it."""

    def __init__(self, expression: str, tokens: list[Token]) -> None:
        self._expression, self._tokens = expression, tokens
        self._at, self._depth, self._terms = 0, 0, 0

    def whole(self) -> Filter:
        tree = self._either()
        if self._next.kind != "end":
            self._refuse(f"expected AND, OR or the end, not {self._next.text!r}")
        return tree

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _took(self, mark: str) -> bool:
        taken = self._next.kind == "mark" and self._next.text == mark
        self._at += taken
        return taken

    def _refuse(self, reason: str) -> NoReturn:
        raise InvalidFilter(self._expression, self._next.position, reason)

    def _either(self) -> Filter:
        parts = [self._all()]
        while self._next.says("OR"):
            self._take()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self) -> Filter:
        parts = [self._part()]
        while self._next.says("AND"):
            self._take()
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _part(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH}")
        part = self._negated_or_group()
        self._depth -= 1
        return part

    def _negated_or_group(self) -> Filter:
        if self._next.says("NOT"):
            self._take()
            return Not(self._part())
        if self._took("("):
            inner = self._either()
            if not self._took(")"):
                self._refuse("a closing parenthesis is missing")
            return inner
        return self._comparison()

    def _comparison(self) -> Filter:
        field = self._field()
        if self._next.says("IN"):
            self._take()
            return self._among(field)
        if self._next.says("NOT") and self._tokens[self._at + 1].says("IN"):
            self._at += 2
            return Not(self._among(field))
        if self._next.kind != "operator":
            return self._between(field)
        operator = self._take().text
        if operator == "!=":
            return Not(Compare(field, "=", self._value()))
        return self._compared(field, cast("Operator", operator))

    def _compared(self, field: str, operator: Operator) -> Compare:
        position = self._at
        value = self._value()
        if operator != "=" and number(value) is None:
            self._at = position
            self._refuse(f"{operator} needs a number, not {value!r}")
        return Compare(field, operator, value)

    def _field(self) -> str:
        self._terms += 1
        if self._terms > MAX_TERMS:
            self._refuse(f"more than {MAX_TERMS} terms")
        if not self._next.is_value():
            self._refuse("expected the name of a field")
        return folded(self._take().text)

    def _among(self, field: str) -> Filter:
        if not self._took("("):
            self._refuse("expected an opening parenthesis after IN")
        values = [self._value()]
        while self._took(","):
            self._terms += 1
            if self._terms > MAX_TERMS:
                self._refuse(f"more than {MAX_TERMS} terms")
            values.append(self._value())
        if not self._took(")"):
            self._refuse("expected a comma or a closing parenthesis")
        return Or(tuple(Compare(field, "=", value) for value in values))

    def _between(self, field: str) -> Between:
        if not self._next.is_value():
            self._refuse("expected =, !=, <, <=, >, >=, IN or a range such as 10 TO 20")
        low = self._bound()
        if not self._next.says("TO"):
            self._refuse("expected TO between the two numbers of a range")
        self._take()
        return Between(field, low, self._bound())

    def _bound(self) -> float:
        bound = number(self._next.text) if self._next.is_value() else None
        if bound is None:
            self._refuse("expected a number")
        self._take()
        return bound

    def _value(self) -> str:
        """One quoted value, or all words up to a keyword or mark: `brand = Acme Co` needs no quotes."""
        if self._next.kind == "quoted":
            return self._take().text
        words: list[str] = []
        while self._next.kind == "word" and self._next.is_value():
            words.append(self._take().text)
        if not words:
            self._refuse("expected a value; put words such as AND in quotes")
        return " ".join(words)
