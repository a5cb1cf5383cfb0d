"""Spells the sides of a thing one by one, so that 160x200 cm, 1.6 x 2 m and 160*200 meet in the index."""

from __future__ import annotations

import re

_CENTIMETRES = {"cm": 1.0, "厘米": 1.0, "公分": 1.0, "mm": 0.1, "毫米": 0.1, "m": 100.0, "米": 100.0}
_SIDE = r"[宽高长深]?\s?(\d{1,4}(?:\.\d{1,3})?)\s?(cm|mm|m|厘米|公分|毫米|米)?"
_OTHER_UNIT = r"(?!\s?(?:(?:kg|g|ml|l|oz|lb|pcs|packs?|pieces?|px|inch|inches|in|ft|w|v)\b|[\d\"克升毫包片袋瓶盒只支抽英]))"
_SIDES = re.compile(
    rf"(?<![\d.a-z]){_SIDE}\s?[x×*]\s?{_SIDE}(?:\s?[x×*]\s?{_SIDE})?(?![a-z]){_OTHER_UNIT}", re.I
)
_BARE = (20.0, 400.0)
"""Sides without a unit are centimetres when all of them lie here: 16x9 and 1920x1080 are not."""


def spell_sides(text: str) -> str:
    """Writes 160x200 cm as 160cm 200cm; metres of one decimal stay beside, for they name sizes of beds (1.8米)."""
    return _SIDES.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    numbers = [float(number) for number in match.groups()[::2] if number]
    units = [unit.lower() if unit else None for unit in match.groups()[1::2]]
    last = next((unit for unit in reversed(units) if unit), None)
    if last is None and not all(_BARE[0] <= number <= _BARE[1] for number in numbers):
        return match.group()
    sides = [
        f"{round(number * _CENTIMETRES[unit or last or 'cm'], 1):g}cm"
        for number, unit in zip(numbers, units, strict=False)
    ]
    named = [f"{match.group(1)}米"] if (units[0] or last) in ("m", "米") and "." in match.group(1) else []
    return f" {' '.join(sides + named)} "
