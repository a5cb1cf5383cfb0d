"""The pages: templates, their words in two languages, and the files that a browser fetches."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import cast

import orjson

LANGUAGES = ("en", "zh")


@cache
def texts(language: str) -> dict[str, str]:
    """The pages' words in a language, all pages' together; English where we don't have it."""
    words: dict[str, str] = {}
    for file in files("web").joinpath("texts").iterdir():
        known = orjson.loads(file.read_bytes())
        words |= cast(dict[str, str], known.get(language, known["en"]))
    return words


def page_template(name: str) -> str:
    """The source of a template."""
    return files("web").joinpath("templates", name).read_text("utf-8")


@cache
def static_version() -> str:
    """Changes with the bytes of any static file, so that browsers may keep what they have for good."""
    folder = files("web").joinpath("static")
    digest = hashlib.blake2b(digest_size=6)
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        digest.update(file.read_bytes())
    return digest.hexdigest()
