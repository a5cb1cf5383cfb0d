"""The words and marks of a filter expression, in order and each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import InvalidFilter

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<operator><=|>=|!=|<>|==|=|<|>|:|≤|≥|≠)
    | (?P<mark>[(),（），])
    | (?P<word>[^\s"'()<>=!:,（），≤≥≠]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_MARKS = {"（": "(", "）": ")", "，": ","}
_OPERATORS = {"==": "=", ":": "=", "≤": "<=", "≥": ">=", "≠": "!=", "<>": "!="}
_KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "TO"})


@dataclass(frozen=True, slots=True)
class Token:
    """One word, quoted text, operator or mark; the last one of an expression is its end."""

    kind: str
    text: str
    position: int

    def says(self, keyword: str) -> bool:
        """Whether this is that keyword, in any case; a quoted one is a value."""
        return self.kind == "word" and self.text.upper() == keyword

    def is_value(self) -> bool:
        """Whether this can stand for a name or a value."""
        return self.kind == "quoted" or (self.kind == "word" and self.text.upper() not in _KEYWORDS)


def tokens_of(expression: str) -> list[Token]:
    """All tokens and an end; InvalidFilter where something can't be one, such as an open quote."""
    tokens: list[Token] = []
    position, end = 0, len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None:
            start = position + len(expression[position:]) - len(expression[position:].lstrip())
            raise InvalidFilter(expression, start, f"{expression[start]!r} doesn't belong here")
        tokens.append(_token(match))
        position = match.end()
    return [*tokens, Token("end", "", end)]


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or ""
    text, position = match.group(kind), match.start(kind)
    if kind == "quoted":
        return Token(kind, re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL), position)
    return Token(kind, _OPERATORS.get(text, _MARKS.get(text, text)), position)
