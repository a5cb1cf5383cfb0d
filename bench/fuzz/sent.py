"""Values that mean something to the API: words, filters, pictures and products, with some that only look like it."""

from __future__ import annotations

import base64
import json
from io import BytesIO

from hypothesis import strategies as st
from PIL import Image

from bench.fuzz import texts
from bench.fuzz.feeds import ENTRIES
from core.types import MAX_QUERY_CHARACTERS

TRIED_IDS = ("tried 1", "tried 2", "tried 3")


def _no_halves(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)


def _is_json(value: object) -> bool:
    """Feeds may hold numbers that no client can send."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _png(colour: str) -> str:
    kept = BytesIO()
    Image.new("RGB", (40, 40), colour).save(kept, "PNG")
    return base64.b64encode(kept.getvalue()).decode()


WORDS = st.sampled_from(
    ["red shoe", "蓝色的包", "not red, under $60", "green bag or red shoe"]
) | texts.QUERIES.map(lambda text: text[: min(300, MAX_QUERY_CHARACTERS)]).filter(_no_halves)
FILTERS = st.sampled_from(
    ["price < 100", "color = red AND price > 60", "NOT (color IN (red, 蓝色))", "price 10 TO 90"]
) | (texts.FILTERS.map(lambda text: text[:4_000]).filter(_no_halves))
CURSORS = texts.CURSORS.map(lambda text: text[:200]).filter(_no_halves)
IMAGES = st.sampled_from(
    [_png("red"), f"data:image/png;base64,{_png('blue')}", "upload:0", "data:,", "", _png("red")[:60]]
)
PRODUCTS = st.fixed_dictionaries(
    {"id": st.sampled_from(TRIED_IDS)},
    optional={
        "title": WORDS,
        "price": st.sampled_from(["30 EUR", 12.5, -1, "many", 10**400]),
        "color": st.sampled_from(["red", ["red", "blue"], {"a": 1}]),
        "image_link": st.sampled_from(
            [f"data:image/png;base64,{_png('green')}", "data:,", "http://[::1", "a.jpg"]
        ),
    },
) | ENTRIES.filter(bool).map(lambda entries: entries[0]).filter(_is_json)
