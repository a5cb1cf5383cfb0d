"""Prices as shops write them: "15.00 USD", 15, "¥199", "1.299,00 €", "99-199元"."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from indexer.rows import RowError

MAX_CHARACTERS = 200
"""No price is longer; the patterns below take their time over what is."""
_SYMBOLS = {
    "US$": "USD", "HK$": "HKD", "NT$": "TWD", "A$": "AUD", "C$": "CAD", "S$": "SGD", "R$": "BRL",
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "₹": "INR", "₩": "KRW", "₽": "RUB", "฿": "THB",
    "₫": "VND",
    "RMB": "CNY", "人民币": "CNY", "日元": "JPY", "美元": "USD", "元": "CNY", "円": "JPY",
}  # fmt: skip
_NUMBER = re.compile(r"\d(?:[\d.,]|[ '’](?=\d{3}(?!\d)))*")
_RANGE = re.compile(r"(?<=[\d\s元円¥$€£])\s*(?:[-–~]|至|to)\s*(?=[\d¥$€£])")
_FILLERS = re.compile(r"\b(?:from|ab|only|now)\b|起|约|价格?|[:：]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of at least 0, and its currency where the text names one."""

    amount: float
    currency: str | None = None
    """An ISO 4217 code; `sure` tells a written code from a symbol that several currencies share."""
    sure: bool = False


def parse_price(value: object) -> Price | None:
    """None where there is no price; of a range the lower end. Raises RowError("bad_price")."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _bad(value)
    if isinstance(value, str):
        return _from_text(value)
    try:
        return Price(_amount(float(value), value))
    except OverflowError:
        raise _bad(value) from None


def _from_text(text: str) -> Price:
    if len(text) > MAX_CHARACTERS:
        raise _bad(text)
    plain = unicodedata.normalize("NFKC", text).strip()
    lower = _RANGE.split(plain)[0]
    numbers = _NUMBER.findall(lower)
    if len(numbers) != 1:
        raise _bad(text)
    before, _, after = lower.partition(numbers[0])
    currency, sure = _currency(f"{before} {after}", text)
    if currency is None:
        currency, sure = _currency(_NUMBER.sub(" ", plain.replace(lower, "", 1)).strip("-–~至 "), text)
    number = numbers[0].rstrip(".,")
    if currency == "EUR" and re.fullmatch(r"\d{1,3}\.\d{3}", number):
        number = number.replace(".", "")
    return Price(_amount(_decimal(number, text), text), currency, sure)


def _currency(rest: str, text: str) -> tuple[str | None, bool]:
    """The currency among what is left beside the number; anything else there makes the price doubtful."""
    rest = _FILLERS.sub("", rest).strip()
    if not rest:
        return None, False
    if code := re.fullmatch(r"[A-Za-z]{3}", rest):
        return ("CNY" if rest.upper() == "RMB" else code[0].upper()), True
    if rest.upper() in _SYMBOLS:
        return _SYMBOLS[rest.upper()], False
    raise _bad(text)


def _decimal(number: str, text: str) -> float:
    number = re.sub(r"[ '’]", "", number)
    comma, dot = number.rfind(","), number.rfind(".")
    if comma >= 0 and dot >= 0:
        thousands, point = (",", ".") if dot > comma else (".", ",")
        number = number.replace(thousands, "").replace(point, ".")
    elif comma >= 0:
        grouped = re.fullmatch(r"\d{1,3}(,\d{3})+", number)
        number = number.replace(",", "") if grouped else number.replace(",", ".")
    elif number.count(".") > 1:
        number = number.replace(".", "")
    try:
        return float(number)
    except ValueError:
        raise _bad(text) from None


def _amount(amount: float, value: object) -> float:
    if not math.isfinite(amount) or amount < 0:
        raise _bad(value)
    return amount


def _bad(value: object) -> RowError:
    return RowError("bad_price", f"price {str(value)[:60]!r} can't be read; write it like 15.00 USD")
