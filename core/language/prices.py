"""Reads price bounds from a query: under $50, 200-300元, 不超过一百块."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGITS = dict(zip("零一二两三四五六七八九", (0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_SCALES = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
_AROUND = 0.2  # 左右 and "around" leave a fifth to either side

_NUMBER = (
    r"(?:(?<![\d.])\d[\d,]{0,11}(?:\.\d{1,4})?(?:\s?[k千百万])?(?![a-z\d])"
    r"|[一二两三四五六七八九十百千万零]{1,8}(?=\s*(?:元|块|圆|人民币|以下|以内)))"
)
# A bare number after "under" is a price unless it counts or measures something.
_MEASURED = (
    r"(?!\s*(?:%|°|\"|(?:cm|mm|ml|kg|km|g|l|m|inch(?:es)?|in|oz|lbs?|years?|yrs?|months?|days?|hours?|min(?:ute)?s?"
    r"|watts?|w|v|gb|tb|mah|pcs|pieces?|people|persons?|degrees?|ft|feet|miles?|calories?|kcal|mph|rpm|db)\b))"
)
_SIGN = r"(?:us\$|hk\$|[$€£¥₩₹])"
_AFTER = (
    r"(?:dollars?|bucks?|usd|euros?|eur|pounds?|gbp|cny|rmb|yuan|yen|jpy|\$|€|£|¥"
    r"|元钱?|块钱?|圆|人民币|美元|美金|欧元|英镑|日元|港币)"
)
_UNDER = (
    r"(?:under|below|less than|cheaper than|lower than|no more than|not more than|not over|up to|at most"
    r"|max(?:imum)?|within)"
)
_OVER = r"(?:over|above|more than|at least|from|min(?:imum)?|starting at|higher than)"
_UNDER_ZH = r"(?:不超过|不高于|不大于|不到|低于|少于|小于|最多|最高|便宜过)"
_MONEY = rf"(?:{_SIGN}\s*(?:{_NUMBER})(?:\s*{_AFTER})?|(?:{_NUMBER})\s*{_AFTER})"
_MAYBE = rf"(?:{_MONEY}|{_NUMBER}{_MEASURED}(?!\s*[㐀-鿿]))"
_MAYBE_ZH = rf"(?:{_MONEY}|{_NUMBER})"
_BARE_ZH = rf"(?:{_MONEY}|{_NUMBER}(?!\s*(?:[a-z%]|[㐀-鿿](?<![的以之]))))"
_PRICED = r"(?:price[ds]?\s*|cost(?:s|ing)?\s*|价格|价位|售价|预算)?\s*"
_FLAGS = re.IGNORECASE

_RANGES = (
    re.compile(
        rf"{_PRICED}(?:between\s+|from\s+)?({_MONEY}|{_NUMBER})\s*(?:-|~|to|and|到|至)\s*({_MONEY})(?:之间|以内)?",
        _FLAGS,
    ),
    re.compile(
        rf"{_PRICED}(?:between\s+|from\s+)?({_SIGN}\s*{_NUMBER})\s*(?:-|~|to|and|到|至)\s*({_MONEY}|{_NUMBER})",
        _FLAGS,
    ),
    re.compile(
        rf"(?:price[ds]?|价格|价位|售价|预算)\s*(?:between\s+|from\s+|在)?({_NUMBER})\s*(?:-|~|to|and|到|至)\s*({_NUMBER})",
        _FLAGS,
    ),
)
_MOST = (
    re.compile(rf"{_PRICED}\b{_UNDER}\s+({_MAYBE})", _FLAGS),
    re.compile(rf"<\s*=?\s*({_MONEY})", _FLAGS),
    re.compile(rf"({_MONEY})\s*(?:or less|or under|or below|max(?:imum)?|and under|tops)\b", _FLAGS),
    re.compile(rf"{_PRICED}{_UNDER_ZH}\s*({_BARE_ZH})(?:以下|以内|之内)?", _FLAGS),
    re.compile(rf"{_PRICED}({_MAYBE_ZH})\s*(?:以下|以内|之内|之下|封顶)", _FLAGS),
    re.compile(rf"({_MONEY})内", _FLAGS),
    re.compile(rf"预算\s*({_MAYBE_ZH})(?!\s*(?:左右|上下))", _FLAGS),
)  # fmt: skip
_LEAST = (
    re.compile(rf"{_PRICED}\b{_OVER}\s+({_MONEY})", _FLAGS),
    re.compile(rf">\s*=?\s*({_MONEY})", _FLAGS),
    re.compile(rf"({_MONEY})\s*(?:or more|or above|and up|and above)\b", _FLAGS),
    re.compile(rf"{_PRICED}(?:超过|高于|大于|多于|不低于|不少于|最少|最低|至少)\s*({_MONEY})", _FLAGS),
    re.compile(rf"{_PRICED}({_MONEY})\s*(?:以上|之上|起)", _FLAGS),
)  # fmt: skip
_ABOUT = (
    re.compile(rf"{_PRICED}({_MAYBE_ZH})\s*(?:左右|上下)", _FLAGS),
    re.compile(rf"\b(?:around|about|approximately|roughly)\s+({_MONEY})", _FLAGS),
)


@dataclass(frozen=True, slots=True)
class PriceBounds:
    """A query without its price bounds, and the bounds."""

    text: str
    lowest: float | None = None
    highest: float | None = None


def split_price(text: str) -> PriceBounds:
    """Takes the price bounds out of a clean text; a comma stands where they stood."""
    if not any(character.isdigit() or character in _SCALES for character in text):
        return PriceBounds(text)
    lowest = highest = None
    for pattern in _RANGES:
        if match := pattern.search(text):
            lowest, highest = sorted((_amount(match.group(1)), _amount(match.group(2))))
            return PriceBounds(_without(text, match), lowest, highest)
    for pattern in _ABOUT:
        if match := pattern.search(text):
            middle = _amount(match.group(1))
            return PriceBounds(_without(text, match), middle * (1 - _AROUND), middle * (1 + _AROUND))
    # The upper bound goes first: 不低于 holds 低于, and "no more than" holds "more than".
    if match := _first(_LEAST, text, "不"):
        lowest, text = _amount(match.group(1)), _without(text, match)
    if match := _first(_MOST, text, ""):
        highest, text = _amount(match.group(1)), _without(text, match)
    return PriceBounds(text, lowest, highest)


def _first(patterns: tuple[re.Pattern[str], ...], text: str, unless_after: str) -> re.Match[str] | None:
    for pattern in patterns:
        match = pattern.search(text)
        if match and not _reversed(text, match, unless_after):
            return match
    return None


def _reversed(text: str, match: re.Match[str], negation: str) -> bool:
    """Whether the words before turn a lower bound into an upper one (no more than, 不超过)."""
    if not negation:
        return False
    before = text[: match.start()].rstrip().lower()
    return before.endswith((negation, "no", "not"))


def _without(text: str, match: re.Match[str]) -> str:
    rest = text[match.end() :].lstrip().removeprefix("的")
    return f"{text[: match.start()].rstrip()}, {rest}".strip(" ,")


def _amount(money: str) -> float:
    found = re.search(r"\d[\d,]*(?:\.\d+)?", money)
    if not found:
        return float(_chinese_number("".join(c for c in money if c in _DIGITS or c in _SCALES)))
    value = float(found.group().replace(",", ""))
    scale = money[found.end() :].strip()[:1].lower()
    return value * {"k": 1_000, "千": 1_000, "百": 100, "万": 10_000}.get(scale, 1)


def _chinese_number(text: str) -> int:
    total, digit, scale = 0, 0, 1
    for character in text:
        if character in _SCALES:
            scale = _SCALES[character]
            total += max(digit, 1) * scale
            digit = 0
        else:
            digit = _DIGITS[character]
    # 三百五 is 350: a digit at the end counts tens of the last scale.
    return total + (digit * scale // 10 if scale > 10 and "零" not in text else digit)
