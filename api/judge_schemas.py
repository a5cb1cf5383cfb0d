"""The JSON of /api/rerank, as the contract fixes it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from api.schemas import MAX_IMAGE_CHARACTERS

MAX_INSTRUCTION_CHARACTERS = 2_000


def _whole(text: str) -> str:
    """The text without halves of characters: a program that cuts an emoji in two sends one, and no answer can hold it."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


Text = Annotated[str, AfterValidator(_whole)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class _Answer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class PartsBody(_Request):
    """Words, a picture, or both."""

    text: Text = ""
    image: Annotated[str | None, Field(max_length=MAX_IMAGE_CHARACTERS)] = None
    """A data URI, plain base64, or `upload:<id>` of a picture sent to /api/pictures."""


def form_of(value: Any) -> str:
    """Which form a query or document has; named so that an error is about that form and no other."""
    return "text" if isinstance(value, str) else "parts"


Item = Annotated[
    Annotated[Text, Tag("text")] | Annotated[PartsBody, Tag("parts")],
    Discriminator(form_of),
]
"""A query or a document: a string, or words and a picture."""


class JudgeBody(_Request):
    """POST /api/rerank: one `document`, or many `documents`."""

    query: Item
    document: Item | None = None
    """One document: the answer is its score."""
    documents: list[Item] | None = None
    """Many documents: the answer is their order."""
    instruction: Annotated[Text | None, Field(max_length=MAX_INSTRUCTION_CHARACTERS)] = None
    """What to weigh; the preset's own unless given."""
    preset: Text = "default"
    """default, product, serp, support, coldstart or copyright."""
    top_n: Annotated[int | None, Field(ge=1)] = None
    """How many results to answer; the preset's own number, else all."""
    both_ways: bool | None = None
    """Whether to judge with the roles swapped, too; what the preset says unless given."""


class JudgedCheckBody(_Answer):
    """One attribute that the query asks for, held against the document."""

    attribute: str
    wanted: str
    holds: bool | None
    """Null where neither text nor picture tells."""
    confidence: float


class ScoreBody(_Answer):
    """What the judge says of one document; fields that don't apply are left out."""

    score: float | None
    """0 (doesn't fit) … 1 (fits); null where the document could not be judged."""
    band: str | None
    """high above 0.7, medium from 0.4 to 0.7, low below 0.4."""
    error: str | None = None
    """Why there is no score, or none with the roles swapped."""
    score_reversed: float | None = None
    """With the roles swapped; present with `both_ways`."""
    flagged: bool | None = None
    """Whether it crosses the preset's line; present where the preset has one."""
    checks: list[JudgedCheckBody] = []
    """What the score rests on, where the judge can tell."""
    basis: list[str] = []
    """Which evidence there was: attributes, words, text, picture."""
    cut: bool = False
    """Whether the document was longer than what the judge reads."""


class EchoBody(_Answer):
    """A document that was not a plain string: its words, and whether it had a picture."""

    text: str
    image: bool | str
    """The picture itself isn't sent back; on the command line, its file's name."""


class NamedBody(_Answer):
    """Which document is meant."""

    document: str | EchoBody
    """A string where it was a string."""
    index: int
    """Its place among the request's documents; 0 is the first."""


class ResultBody(ScoreBody, NamedBody):
    """One document of many, with its score."""


class FailureBody(_Answer):
    """A document that lacks a score, or the one with the roles swapped, and why."""

    index: int
    error: str


class UsedBody(_Answer):
    """What the judging was done with."""

    model: str
    preset: str
    instruction: str
    took_ms: float


class SingleBody(UsedBody, ScoreBody):
    """The answer for one `document`."""


class OrderBody(_Answer):
    """Documents in order."""

    results: list[ResultBody]
    """Best first; what could not be judged comes last."""
    scored: int
    """How many documents were judged, among the results or not."""
    of: int
    """How many documents were sent."""
    failed: list[FailureBody]
    """Every document that lacks a score or the one with the roles swapped, in input order, among the results or not."""


class RankingBody(UsedBody, OrderBody):
    """The answer for many `documents`."""
