"""Hostile texts: filters, cursors, queries, data URIs and keys, made after their grammars and against them."""

from __future__ import annotations

import base64
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from api.keys import MARK, Keyring
from bench.fuzz.running import Target
from core.errors import InvalidFilter, InvalidQuery, UnreadableImage
from core.filters import parse_filter
from core.images import from_data_uri
from core.language import Language
from search.windows import Cursor


@cache
def _ring() -> Keyring:
    return Keyring(Path(tempfile.mkdtemp(prefix="lychee-keys-")))


@cache
def _known_key() -> str:
    return _ring().create("search", "the only one")[1]


ANY_TEXT = st.text(st.characters(), max_size=60)
"""With NUL, controls and halves of characters."""
RUNS = st.builds(
    lambda part, times: part * times,
    st.sampled_from(
        [
            " ",
            "(",
            ")",
            "NOT ",
            "a ",
            "\\",
            '"',
            "'",
            ",",
            "-",
            "0",
            "9",
            ".",
            "\u3000",
            "不",
            "\n",
            "or ",
            "%",
        ]
    ),
    st.integers(1, 4_000),
)
"""What a pattern that looks twice takes long over."""
_FIELDS = st.sampled_from(["price", "color", "品牌", "category", '"a b"', "'", "in", "size"]) | ANY_TEXT
_VALUES = (
    st.sampled_from(["500", "-1e9", "1e99", "nan", '"it\\"s"', "'Acme Co'", "pink", "浅粉色", "a > b"])
    | ANY_TEXT
)
_OPERATORS = st.sampled_from(["=", "<", "<=", ">", ">=", "!=", "<>", "==", ":", "≤", "≠", " IN ", " TO ", ""])
_TERMS = st.one_of(
    st.builds("{} {} {}".format, _FIELDS, _OPERATORS, _VALUES),
    st.builds(lambda f, vs: f"{f} IN ({', '.join(vs)})", _FIELDS, st.lists(_VALUES, max_size=8)),
    st.builds("{} {} TO {}".format, _FIELDS, _VALUES, _VALUES),
)
FILTERS = st.one_of(
    st.recursive(
        _TERMS,
        lambda inner: st.one_of(
            st.builds("({})".format, inner),
            st.builds("NOT {}".format, inner),
            st.builds("（{}）".format, inner),
            st.builds(lambda parts, word: word.join(parts), st.lists(inner, min_size=1, max_size=5),
                      st.sampled_from([" AND ", " or ", " ", ",", " AND NOT "])),
        ),
        max_leaves=25,
    ),
    ANY_TEXT,
    st.builds(lambda parts: "".join(parts), st.lists(RUNS | _TERMS, max_size=3)),
)  # fmt: skip
_WORDS = st.sampled_from(
    ["红色", "连衣裙", "不要", "黑色", "without", "stripes", "under", "$50", "200元以下", "between", "10", "and", "20",
     "男士", "size", "42", "or", "或者", "not", "的", "no-sugar", "1,000.50", "€5", "9" * 20, "5-10", "2x4cm", "无钢圈",
     "the", "who", "3折", "１００元", "٣", "²", "Ⅷ", "2m", "500ml", "iPhone15", "but", "that"]
)  # fmt: skip
QUERIES = st.one_of(
    st.builds(lambda parts, gap: gap.join(parts), st.lists(_WORDS | ANY_TEXT, max_size=25),
              st.sampled_from([" ", "", ",", "  ", "，"])),
    RUNS,
    st.builds(lambda parts: "".join(parts), st.lists(RUNS | _WORDS, max_size=3)),
)  # fmt: skip
CURSORS = st.one_of(
    ANY_TEXT,
    st.builds(
        lambda name, offset: base64.urlsafe_b64encode(f"{name}:{offset}".encode()).decode(),
        st.text(max_size=40),
        st.integers() | st.sampled_from(["", "-1", "1_0", " 7", "٣", "9" * 5_000, "1e3", "²"]),
    ),
    st.builds(lambda data: base64.urlsafe_b64encode(data).decode(), st.binary(max_size=60)),
)
DATA_URIS = st.builds(
    lambda head, comma, body: head + comma + body,
    st.sampled_from(["data:", "DATA:image/png;base64", "data:;base64", "data:;BASE64;charset=x", "data", ""])
    | ANY_TEXT,
    st.sampled_from([",", ""]),
    ANY_TEXT | RUNS | st.binary(max_size=200).map(lambda data: base64.b64encode(data).decode()),
)
KEYS = st.one_of(
    ANY_TEXT,
    st.builds(
        lambda parts: "_".join(parts), st.lists(st.sampled_from([MARK, "", "0" * 8]) | ANY_TEXT, max_size=5)
    ),
    st.builds(lambda wrong: f"{_known_key()[:-1]}{wrong}", st.characters()),
)


@cache
def language() -> Language:
    """The packaged vocabulary, loaded once."""
    return Language.load()


def understood(text: str) -> None:
    """Reads a query as the engine does, and as the judge's side does."""
    read = language().understand(text)
    language().gloss(text)
    assert read.price_min is None or read.price_min >= 0, read


def paged(text: str) -> None:
    """Reads a cursor, and says it again."""
    cursor = Cursor.decode(text)
    assert Cursor.decode(cursor.encode()) == cursor


def refused_key(token: str) -> None:
    """Looks for a key that nobody was given."""
    assert _ring().find(token) is None or token == _known_key()


def text_targets() -> dict[str, Target]:
    """All of them by name; what they need is loaded, so that no example is charged for it."""
    language()
    return {
        each.name: each
        for each in (
            Target("filters", FILTERS, parse_filter, (InvalidFilter,)),
            Target("queries", QUERIES, understood),
            Target("cursors", CURSORS, paged, (InvalidQuery,)),
            Target("data-uris", DATA_URIS, from_data_uri, (UnreadableImage,)),
            Target("keys", KEYS, refused_key),
        )
    }
