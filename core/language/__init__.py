"""The words of queries and products, Chinese and English: what both the write path and the read path read them as."""

from __future__ import annotations

from collections.abc import Collection

from core.language.dictionary import Dictionary
from core.language.gloss import gloss_of
from core.language.heads import KNOWN, head_token
from core.language.normal import has_han, prose
from core.language.product import product_terms, product_text
from core.language.query import understand
from core.language.reading import Reader
from core.language.terms import ProductTerms, Understanding, Unit
from core.language.vocabulary import Vocabulary
from core.language.words import Stemmer
from core.types import Product

__all__ = ["KNOWN", "Language", "ProductTerms", "Understanding", "Unit", "head_token"]

MAX_GLOSSED = 2_000


class Language:
    """Reads queries and products into the same tokens; safe for many threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @classmethod
    def load(cls) -> Language:
        """The packaged vocabulary and dictionary."""
        stemmer = Stemmer()
        return cls(Reader(Vocabulary.load(stemmer), Dictionary.load(), stemmer))

    def understand(self, text: str) -> Understanding:
        """What a query asks for, what it refuses, and its price bounds."""
        return understand(text, self._reader)

    def product_terms(self, product: Product, fields: Collection[str]) -> ProductTerms:
        """The index tokens of the fields that count: of title, description, category, attributes."""
        return product_terms(product, fields, self._reader)

    def product_text(self, product: Product, fields: Collection[str]) -> str:
        """What the encoder's text tower reads of the fields that count; empty when they are."""
        return product_text(product, fields)

    def concepts(self, kind: str) -> frozenset[str]:
        """The tokens of all concepts of a kind, such as `color`."""
        return self._reader.vocabulary.of_kind(kind)

    def name(self, concept_id: str, language: str) -> str:
        """How a concept is called, such as `color:black`: in Chinese for `zh`, where we know it, else in English."""
        concept = self._reader.vocabulary.concept(concept_id)
        return (concept.chinese if language == "zh" else "") or concept.english

    def narrower(self, concept: str) -> frozenset[str]:
        """The tokens of all concepts below one: of kind:shoe every sort of shoe."""
        return self._reader.vocabulary.narrower(concept)

    def gloss(self, text: str) -> str | None:
        """The text with its Chinese in English; None for a text without Chinese."""
        cleaned = prose(text, MAX_GLOSSED)
        if not has_han(cleaned):
            return None
        return gloss_of(self._reader.read(cleaned), self._reader)
