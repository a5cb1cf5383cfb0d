"""A page's HTML as tests read it: elements found by simple CSS selectors, and their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, TreeBuilder

VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
_PART = re.compile(
    r"""\.(?P<cls>[\w-]+)|\[(?P<name>[\w-]+)(?:(?P<how>\^?=)['"]?(?P<value>[^\]'"]*)['"]?)?\]"""
)


def parsed(markup: str) -> Element:
    """The root of a document whose every element is closed in order; AssertionError for another."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    assert reader.open == [], f"left open: {reader.open}"
    return reader.builder.close()


def find(root: Element, selector: str) -> list[Element]:
    """The elements of `tag.class[attribute='value']` selectors with spaces between; commas join several."""
    found: dict[int, Element] = {}
    for alternative in selector.split(", "):
        level = [root]
        for step in alternative.split():
            level = [
                each for parent in level for each in parent.iter() if each is not parent and _fits(each, step)
            ]
        found |= {id(each): each for each in level}
    return list(found.values())


def texts(root: Element, selector: str) -> list[str]:
    """What the found elements say, with single spaces."""
    return [" ".join("".join(each.itertext()).split()) for each in find(root, selector)]


def _fits(element: Element, step: str) -> bool:
    tag = re.match(r"\w*", step)
    return (not tag or tag[0] in ("", element.tag)) and all(_conditions(element, step))


def _conditions(element: Element, step: str) -> Iterator[bool]:
    for part in _PART.finditer(step):
        if part["cls"]:
            yield part["cls"] in element.get("class", "").split()
        elif part["how"] == "^=":
            yield element.get(part["name"], "").startswith(part["value"])
        elif part["how"]:
            yield element.get(part["name"]) == part["value"]
        else:
            yield element.get(part["name"]) is not None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.builder = TreeBuilder()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        self.builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.builder.data(data)
