"""The JSON of /v1/rerank: the form that Jina, Cohere and vLLM share, with what each of them adds to documents."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from api.judge_schemas import MAX_INSTRUCTION_CHARACTERS, FailureBody, PartsBody, Text, form_of
from api.schemas import MAX_IMAGE_CHARACTERS
from core.errors import InvalidDocument
from rerank.judgement import Asked, Document
from rerank.ranking import Ranking

PICTURE_TOKENS = 256
"""What a picture counts in `usage`: a large judge cuts a picture of 448 pixels a side into so many pieces."""

_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_LETTERS_A_TOKEN = 4


class _Tolerant(BaseModel):
    """Other servers' fields are no mistake: max_tokens_per_doc, truncate, rank_fields, …"""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)


class WireAddressBody(_Tolerant):
    """The picture of a part."""

    url: Annotated[str, Field(max_length=MAX_IMAGE_CHARACTERS)]
    """A data URI; the server fetches nothing."""


class WirePartBody(_Tolerant):
    """One part of a document: words or a picture."""

    type: Literal["text", "image_url"]
    text: Text = ""
    image_url: WireAddressBody | None = None


class WireItemBody(_Tolerant):
    """A query or a document: `text`, `image`, both, or `content` in parts."""

    text: Text = ""
    image: Annotated[str | None, Field(max_length=MAX_IMAGE_CHARACTERS)] = None
    """A data URI or plain base64."""
    content: list[WirePartBody] = []


WireItem = Annotated[
    Annotated[Text, Tag("text")] | Annotated[WireItemBody, Tag("parts")],
    Discriminator(form_of),
]


class WireBody(_Tolerant):
    """POST /v1/rerank."""

    model: str | None = None
    """Taken and not heeded: the server has one judge, and the answer names it."""
    query: WireItem
    documents: list[WireItem]
    top_n: Annotated[int | None, Field(ge=1)] = None
    return_documents: bool = True
    instruction: Annotated[Text | None, Field(max_length=MAX_INSTRUCTION_CHARACTERS)] = None


class WireDocumentBody(BaseModel):
    """A document's words; pictures aren't sent back."""

    text: str


class WireResultBody(BaseModel):
    """One document's place and score."""

    index: int
    relevance_score: float
    document: WireDocumentBody | None = None


class WireUsageBody(BaseModel):
    """How much was judged."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    total_tokens: int
    """An estimate: query and document of every pair, a token for four letters or one ideograph, 256 for a picture."""


class WireAnswerBody(BaseModel):
    """The answer of /v1/rerank."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    model: str
    results: list[WireResultBody]
    """Best first; documents that could not be judged are not among them."""
    usage: WireUsageBody
    failed: list[FailureBody] | None = None
    """What could not be judged, and why; present where something failed."""


def parts_of_wire(item: WireItem, where: str) -> PartsBody:
    """The item in the form of /api/rerank; InvalidDocument for more than one picture."""
    if isinstance(item, str):
        return PartsBody(text=item)
    texts = [item.text, *(part.text for part in item.content)]
    pictures = [item.image, *(part.image_url.url for part in item.content if part.image_url)]
    given = [picture for picture in pictures if picture]
    if len(given) > 1:
        raise InvalidDocument(where, f"one picture is judged, not {len(given)}")
    return PartsBody(text="\n".join(text for text in texts if text), image=given[0] if given else None)


def wire_answer(
    ranking: Ranking, asked: Asked, documents: Sequence[Document], *, return_documents: bool
) -> WireAnswerBody:
    """The answer; scores aren't rounded, since programs may sort by them again."""
    results: list[dict[str, Any]] = [
        {"index": item.index, "relevance_score": item.score.relevance}
        | ({"document": WireDocumentBody(text=item.document.text)} if return_documents else {})
        for item in ranking.items
        if item.score is not None
    ]
    failed = [FailureBody(index=item.index, error=str(item.error)) for item in ranking.failed]
    return WireAnswerBody(
        id=f"rerank-{uuid.uuid4().hex}",
        model=ranking.model,
        results=[WireResultBody(**result) for result in results],
        usage=WireUsageBody(total_tokens=_tokens(asked, documents)),
        **({"failed": failed} if failed else {}),
    )


def _tokens(asked: Asked, documents: Sequence[Document]) -> int:
    return len(documents) * _tokens_of(asked) + sum(_tokens_of(document) for document in documents)


def _tokens_of(side: Asked | Document) -> int:
    ideographs = 0 if side.text.isascii() else len(_IDEOGRAPHS.findall(side.text))
    letters = len(side.text) - ideographs
    return ideographs + -(-letters // _LETTERS_A_TOKEN) + (PICTURE_TOKENS if side.picture else 0)
