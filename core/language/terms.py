"""What the words of a query and of a product become: units to satisfy, and tokens of the lexical index."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that a query asks for."""

    tokens: tuple[str, ...]
    """Alternatives as they stand in the lexical index; any one of them satisfies the unit."""
    concept: str | None = None
    """The concept that the unit names, such as "color:black"; None for a plain word."""
    broader: tuple[str, ...] = ()
    """All ancestors of the concept: color:light-pink has ("color:pink",)."""
    is_head: bool = False
    """Whether the query is about this very thing: the case of "phone case", not the phone."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a query was read as."""

    text: str
    """The whole text, normalised."""
    positive_text: str
    """The text without what is negated and without price bounds: what gets embedded."""
    units: tuple[Unit, ...]
    excluded: tuple[Unit, ...]
    """What must not hold: "without stripes", 不要红色."""
    gloss: str | None
    """English gloss of the Chinese parts; None for a text without Chinese."""
    price_min: float | None = None
    price_max: float | None = None


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """The tokens that the lexical index holds of one product."""

    strong: frozenset[str]
    """Of titles, category, attributes: stems, CJK uni- and bigrams and words, concepts, their ancestors."""
    weak: frozenset[str]
    """Of the description only, concepts too."""
