"""What a judge is asked and what it answers: the reranker protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.language import ProductTerms, Understanding
from core.pictures import picture_hash
from core.types import Evidence, Pixels, Product, Score
from rerank.instructions import DEFAULT_INSTRUCTION


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is decoded only by a judge that looks at it."""

    hash: str
    """Names the content: caches go by it."""
    load: Callable[[], Pixels]
    """The pixels; UnreadableImage."""

    @classmethod
    def of(cls, pixels: Pixels) -> Picture:
        """A picture that is decoded already."""
        # The shape, too: a blank picture has the same bytes in any.
        return cls(picture_hash(repr(pixels.shape).encode() + pixels.tobytes()), lambda: pixels)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one side already, so that a judge with the same encoder need not make it again."""

    fingerprint: str
    """Of the encoder that made the features."""
    text: NDArray[np.float32] | None = None
    """Shape (feature_dim,)."""
    pictures: NDArray[np.float32] | None = None
    """Shape (pictures, feature_dim)."""
    terms: ProductTerms | None = None
    """A document's words, read."""
    understood: Understanding | None = None
    """A query's words, read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What documents are judged against: words, a picture, or both, under an instruction."""

    text: str = ""
    picture: Picture | None = None
    instruction: str = DEFAULT_INSTRUCTION
    exclude: tuple[str, ...] = ()
    """Words for what a document must not be."""
    known: Known | None = None
    best: tuple[Document, ...] = ()
    """The documents that recall puts first: a judge may use what they have in common."""

    @property
    def fingerprint(self) -> str:
        """Names the question exactly."""
        return _digest(
            self.text, "" if self.picture is None else self.picture.hash, self.instruction, *self.exclude
        )


@dataclass(frozen=True, slots=True)
class Document:
    """What is judged: words, a picture, or both."""

    text: str = ""
    picture: Picture | None = None
    product: Product | None = None
    """The product whose text and picture these are, where it is one."""
    identity: str = ""
    """Names the content exactly, where the caller has a name for it."""
    known: Known | None = None
    evidence: Evidence | None = None
    """Why recall placed it where it did, where recall found it."""

    @property
    def fingerprint(self) -> str:
        """Names the document exactly."""
        return self.identity or _digest(self.text, "" if self.picture is None else self.picture.hash)


@dataclass(frozen=True, slots=True)
class Unscored:
    """A document that could not be judged, and why; the others are."""

    reason: str


Judgement = Score | Unscored


class Reranker(Protocol):
    """Judges documents; never sorts, never drops; safe for many threads."""

    @property
    def model(self) -> str:
        """Names the judge and everything that changes its scores: lite@3f2a…, vec-ai/lychee-rerank-mm@…"""

    @property
    def is_pairwise(self) -> bool:
        """Whether a score depends on the query and the document alone, so that it may be remembered for the pair."""

    @property
    def micro_batch(self) -> int:
        """Documents that are best judged together: between two such calls a budget of time can end."""

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        """One judgement a document, in input order; RerankerProblem when none can be judged."""


def _digest(*parts: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()
