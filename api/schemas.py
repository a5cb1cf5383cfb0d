"""The JSON of the search API, as the contract fixes it; Pydantic lives here and nowhere deeper."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.types import MAX_LIMIT, MAX_QUERY_CHARACTERS

MAX_IMAGE_CHARACTERS = 28_000_000
"""A picture of 20 MB in base64."""
MAX_LIKE = 20
MAX_CURSOR = 200


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class _Answer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class QueryBody(_Request):
    """What to look for; at least one of text, image, image_url and like."""

    text: Annotated[str, Field(max_length=MAX_QUERY_CHARACTERS)] = ""
    image: Annotated[str | None, Field(max_length=MAX_IMAGE_CHARACTERS)] = None
    """A data URI, plain base64, or `upload:<id>` of a picture sent to /api/pictures."""
    image_url: Annotated[str | None, Field(max_length=2_000)] = None
    """An http(s) link to a picture on the public internet, up to 20 MB; instead of `image`."""
    like: Annotated[list[str], Field(max_length=MAX_LIKE)] = []
    not_: Annotated[list[str], Field(alias="not", max_length=20)] = []


class RerankBody(_Request):
    """What the second stage may do."""

    enabled: bool = True
    depth: Annotated[int | None, Field(ge=1, le=MAX_LIMIT)] = None
    """Candidates that are judged; LYCHEE_RERANK_DEPTH unless given."""
    budget_ms: Annotated[int | None, Field(ge=1, le=60_000)] = None
    """Milliseconds that judging may take; LYCHEE_RERANK_BUDGET_MS unless given."""
    instruction: Annotated[str | None, Field(max_length=2_000)] = None
    """What the judge should weigh."""
    min_band: Literal["high", "medium", "low"] | None = None
    """Hits that are judged below it are not shown, nor are those that nobody judged."""


class SearchBody(_Request):
    """POST /api/search."""

    query: QueryBody
    catalog: str = "products"
    filter: Annotated[str, Field(max_length=4_000)] = ""
    facets: Annotated[list[str], Field(max_length=20)] = []
    sort: str = "relevance"
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 24
    cursor: Annotated[str | None, Field(max_length=MAX_CURSOR)] = None
    rerank: RerankBody = RerankBody()
    explain: bool = False
    stream: bool = False
    """Answers as Server-sent events: `recall`, `reranked`, `done`; so does `Accept: text/event-stream`."""


class ProductBody(_Answer):
    """A product as an answer shows it."""

    id: str
    title: str
    titles: dict[str, str] = {}
    description: str = ""
    category: list[str] = []
    price: float | None = None
    currency: str | None = None
    attributes: dict[str, list[str]] = {}
    link: str | None = None
    image: str | None = None
    """Where the picture is served; None for a product without one."""
    thumbnail: str | None = None


class EvidenceBody(_Answer):
    """Why recall placed the hit where it did; present with `explain`."""

    channels: list[str]
    coverage: float
    agreement: float
    text_similarity: float | None
    picture_similarity: float | None
    fused: float


class CheckBody(_Answer):
    """One attribute that the query asks for, held against the product."""

    attribute: str
    wanted: str
    holds: bool | None
    """Null where neither texts nor pictures tell."""
    confidence: float


class HitBody(_Answer):
    """One line of an answer."""

    id: str
    product: ProductBody
    similarity: float
    relevance: float | None = None
    """0 (doesn't fit) … 1 (fits); null for what was not judged."""
    band: str | None = None
    """high above 0.7, medium from 0.4 to 0.7, low below 0.4."""
    rank: int
    recall_rank: int
    """Where recall alone placed it."""
    checks: list[CheckBody] = []
    """What the relevance rests on, where the judge can tell."""
    basis: list[str] = []
    """Which evidence the judge had: attributes, words, text, picture."""
    cut: bool = False
    """Whether the product's text was longer than what the judge reads."""
    evidence: EvidenceBody | None = None


class TotalBody(_Answer):
    """How many products the answer's window holds."""

    value: int
    exact: bool
    """False where there may be more."""
    hidden_below_band: int
    """What `min_band` hides because it was judged to be less."""
    hidden_unjudged: int = 0
    """What `min_band` hides because nobody judged it."""


class RerankReportBody(_Answer):
    """How the second stage went."""

    status: Literal["full", "partial", "skipped", "failed"]
    scored: int
    of: int
    reason: str | None
    model: str | None


class TookBody(_Answer):
    """Milliseconds a stage."""

    encode: float
    recall: float
    rerank: float
    total: float


class AnswerBody(_Answer):
    """The answer of /api/search."""

    query_id: str
    hits: list[HitBody]
    total: TotalBody
    facets: dict[str, dict[str, int]]
    cursor: str | None
    rerank: RerankReportBody
    took_ms: TookBody
    understood: list[str]
    """What the words were read as."""


class RankedHitBody(_Answer):
    """One hit of a batch."""

    id: str
    similarity: float
    relevance: float | None


class RankedBody(_Answer):
    """The answer to one query of a batch."""

    hits: list[RankedHitBody]
    rerank: RerankReportBody
    took_ms: TookBody


class ProblemBody(_Answer):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str | None = None
