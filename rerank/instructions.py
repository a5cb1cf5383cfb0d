"""The instructions that users know, and the presets: what a use asks, how it is run, where its line is."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import UnknownPreset

DEFAULT_INSTRUCTION = "Given a query, retrieve relevant documents."
PRODUCT_INSTRUCTION = (
    "Given a product search query, rank images by how well the visual content and textual description match the "
    "user's requirements for color, pattern, fit, and style."
)


@dataclass(frozen=True, slots=True)
class Preset:
    """One use of the judge."""

    name: str
    instruction: str
    flag_below: float | None = None
    """Documents under this relevance are flagged."""
    flag_above: float | None = None
    """Documents over this relevance, in both directions where both are judged, are flagged."""
    both_ways: bool = False
    """Whether every pair is judged with the roles swapped, too."""
    top_n: int | None = None
    """How many results are answered unless the request says so itself."""


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("default", DEFAULT_INSTRUCTION),
        Preset("product", PRODUCT_INSTRUCTION),
        Preset("serp", "Given a search query, rank the results by how well they answer it.", top_n=20),
        Preset(
            "support",
            "Given a customer's question, judge whether the reply answers it.",
            flag_below=0.5,
        ),
        Preset(
            "coldstart",
            "Given a new user's first words, retrieve content that interests this user.",
            top_n=10,
        ),
        Preset(
            "copyright",
            "Given a picture, find pictures that are the same work or copied from it.",
            flag_above=0.75,
            both_ways=True,
        ),
    )
}


def preset_of(name: str) -> Preset:
    """The preset of a name; UnknownPreset."""
    try:
        return PRESETS[name]
    except KeyError as error:
        raise UnknownPreset(name, list(PRESETS)) from error
