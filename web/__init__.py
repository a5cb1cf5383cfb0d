"""The pages: templates, their words in two languages, and the files that a browser fetches."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import cast

import orjson

LANGUAGES = ("en", "zh")


@cache
def texts(language: str) -> dict[str, str]:
    """The page's words in a language; English where we don't have it."""
    known = orjson.loads(files("web").joinpath("texts.json").read_bytes())
    return cast(dict[str, str], known.get(language, known["en"]))


def page_template(name: str) -> str:
    """The source of a template."""
    return files("web").joinpath("templates", name).read_text("utf-8")
