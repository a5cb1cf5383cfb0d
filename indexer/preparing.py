"""The work that runs beside the encoder: pictures decoded, words found, vectors packed for the catalog."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from core.catalog import VectorRow
from core.encoder import Encoded, Encoder
from core.errors import UnreadableImage
from core.images import ENCODER_SIDE, decode
from core.language import Language, ProductTerms
from core.pictures import PictureStore
from core.types import Pixels, Product
from indexer.reading import label


@runtime_checkable
class TwoStepEncoder(Protocol):
    """An encoder whose preprocessing can run in other threads, while it encodes what came before."""

    def prepare(self, image: Pixels) -> Any:
        """One picture, ready for `encode_prepared`; safe for many threads."""

    def encode_prepared(self, prepared: Sequence[Any]) -> Encoded:
        """What `encode_images` makes of the same pictures."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture that waits for the encoder, in the form that the encoder takes."""

    waiting: Any


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


def ready_picture(
    digest: str, link: str, pictures: PictureStore, encoder: Encoder
) -> Ready | UnreadableImage:
    """A stored picture, as small as it can be while it waits for the encoder; or why it can't be shown."""
    try:
        pixels = decode(pictures.read(digest), source=label(link), at_least=ENCODER_SIDE)
    except UnreadableImage as problem:
        return problem
    return Ready(encoder.prepare(pixels) if isinstance(encoder, TwoStepEncoder) else pixels)


def encoded_pictures(encoder: Encoder, pictures: Sequence[Ready]) -> Encoded:
    """One row a picture, in input order."""
    waiting = [picture.waiting for picture in pictures]
    if isinstance(encoder, TwoStepEncoder):
        return encoder.encode_prepared(waiting)
    return encoder.encode_images(waiting)


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
