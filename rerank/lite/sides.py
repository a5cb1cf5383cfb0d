"""Both sides of a judgement as the evidence needs them: words read, texts and pictures encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.encoder import Encoded, Encoder
from core.errors import UnreadableImage
from core.language import Language, ProductTerms, Understanding
from core.recent import Recent
from core.types import Evidence, Pixels, Product
from rerank.judgement import Asked, Document, Known, Unscored

Row = NDArray[np.float32]
MAX_READ = 5_500
"""Characters of a document that are read for its words: a title's and a description's worth."""
KEPT_QUESTIONS = 16
_TITLE = 500
_ENCODED = 380
"""Characters that the text tower reads, as it does of a product."""
_FIELDS = ("title", "description")
_NO_WORDS = ProductTerms(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Question:
    """The asking side."""

    understood: Understanding | None
    """None where there are no words."""
    text: Row | None
    """Long features of the words."""
    picture: Row | None
    """Long features of the picture."""


@dataclass(frozen=True, slots=True)
class Side:
    """The judged side."""

    terms: ProductTerms
    text: Row | None
    pictures: Row | None
    """Shape (pictures, feature_dim)."""
    words: str = ""
    """As many of its words as the text tower reads."""
    evidence: Evidence | None = None
    cut: bool = False


class Sides:
    """Makes both sides ready; safe for many threads."""

    def __init__(self, encoder: Encoder, language: Language) -> None:
        self.encoder, self.language = encoder, language
        self._questions: Recent[str, Question] = Recent(KEPT_QUESTIONS)

    def question(self, asked: Asked) -> Question:
        """The asking side; UnreadableImage. Long lists come in several parts, which ask the same."""
        if asked.known is not None:
            return self._read(asked)
        kept = self._questions.get(asked.fingerprint)
        return kept or self._questions.kept_or(asked.fingerprint, self._read(asked))

    def _read(self, asked: Asked) -> Question:
        known = asked.known if asked.known and asked.known.fingerprint == self.encoder.fingerprint else None
        if known is not None:
            picture = None if known.pictures is None else known.pictures[0]
            return Question(
                known.understood if asked.text.strip() or asked.exclude else None, known.text, picture
            )
        understood = self._understood(asked)
        text = None
        if understood is not None and (wanted := understood.positive_text.strip() or understood.text.strip()):
            text = rows(self.encoder.encode_texts([wanted], as_query=True))[0]
        picture = None
        if asked.picture is not None:
            picture = rows(self.encoder.encode_images([asked.picture.load()]))[0]
        return Question(understood, text, picture)

    def documents(self, documents: Sequence[Document]) -> list[Side | Unscored]:
        """The judged sides in input order; one whose picture can't be read can't be judged."""
        loaded = [self._pixels(document) for document in documents]
        texts = self._texts(documents)
        fresh = [pixels for pixels in loaded if isinstance(pixels, np.ndarray)]
        pictures = iter(rows(self.encoder.encode_images(fresh)) if fresh else ())
        sides: list[Side | Unscored] = []
        for document, pixels, text in zip(documents, loaded, texts, strict=True):
            if isinstance(pixels, Unscored):
                sides.append(pixels)
                continue
            seen = next(pictures)[None, :] if pixels is not None else None
            known = self._known(document)
            cut = len(document.text) > MAX_READ
            words = document.text[:_ENCODED]
            side = Side(self.terms(document), text, seen, words, document.evidence, cut)
            sides.append(side if known is None else replace(side, pictures=known.pictures))
        return sides

    def terms(self, document: Document) -> ProductTerms:
        """A document's words, read."""
        if document.known is not None and document.known.terms is not None:
            return document.known.terms
        if not document.text.strip():
            return _NO_WORDS
        # What a document opens with stands for its title: things named there are what it is about.
        title, _, rest = document.text[:MAX_READ].partition("\n")
        body = f"{title[_TITLE:]} {rest}"
        return self.language.product_terms(Product("document", title[:_TITLE], description=body), _FIELDS)

    def _understood(self, asked: Asked) -> Understanding | None:
        if not asked.text.strip() and not asked.exclude:
            return None
        understood = self.language.understand(asked.text[:2_000])
        unwanted = tuple(unit for text in asked.exclude for unit in self.language.understand(text).units)
        return replace(understood, excluded=understood.excluded + unwanted)

    def _known(self, document: Document) -> Known | None:
        known = document.known
        return known if known is not None and known.fingerprint == self.encoder.fingerprint else None

    def _pixels(self, document: Document) -> Pixels | Unscored | None:
        """What has to be encoded; None where there is no picture, or its features are known."""
        if document.picture is None or self._known(document) is not None:
            return None
        try:
            return document.picture.load()
        except UnreadableImage as error:
            return Unscored(f"its picture can't be read: {error.reason}")

    def _texts(self, documents: Sequence[Document]) -> list[Row | None]:
        found: list[Row | None] = [known.text if (known := self._known(each)) else None for each in documents]
        fresh = {
            each.text[:_ENCODED]: None
            for each in documents
            if self._known(each) is None and each.text.strip()
        }
        if not fresh:
            return found
        by_text = dict(zip(fresh, rows(self.encoder.encode_texts(list(fresh))), strict=True))
        return [
            row if row is not None or self._known(each) is not None else by_text.get(each.text[:_ENCODED])
            for row, each in zip(found, documents, strict=True)
        ]


def rows(encoded: Encoded) -> Row:
    """The long features, or the vectors where there are none: shape (n, feature_dim)."""
    return encoded.vectors if encoded.features is None else encoded.features
