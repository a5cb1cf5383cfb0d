"""What a product becomes before it is stored: its words, the text that is encoded, and its vectors as rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.catalog import VectorRow
from core.encoder import Encoded, Encoder
from core.language import Language, ProductTerms
from core.types import Product


@dataclass(frozen=True, slots=True)
class Words:
    """What a product says, ready to be stored."""

    terms: ProductTerms
    text: str

    @property
    def text_hash(self) -> str | None:
        """Of the text that is encoded; None where there is none."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest() if self.text else None


def words_of(product: Product, language: Language, fields: tuple[str, ...]) -> Words:
    """The product's index terms and the text that the encoder reads."""
    return Words(language.product_terms(product, fields), language.product_text(product, fields))


def vector_rows(hashes: Sequence[str], encoded: Encoded, encoder: Encoder) -> list[VectorRow]:
    """One row a hash; features as int8 codes with a scale of their own for each row."""
    features = encoded.features
    if features is None:
        return [VectorRow(each, encoder.fingerprint, encoded.vectors[at]) for at, each in enumerate(hashes)]
    scales = np.maximum(np.abs(features).max(axis=1), 1e-12) / 127.0
    codes = np.rint(features / scales[:, None]).astype(np.int8)
    return [
        VectorRow(each, encoder.fingerprint, encoded.vectors[at], codes[at], float(scales[at]))
        for at, each in enumerate(hashes)
    ]
