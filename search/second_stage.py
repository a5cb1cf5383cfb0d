"""What the second stage is asked: the query as a question, the best candidates as documents, with all that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.catalog import Catalog, StoredProduct
from core.encoder import Encoder
from core.images import decode
from core.language import ProductTerms
from core.pictures import PictureStore, picture_hash
from core.recent import Recent
from core.types import Channel, Keys, Pixels, Query, VectorBatch
from rerank.instructions import PRODUCT_INSTRUCTION
from rerank.judgement import Asked, Document, Known, Picture
from rerank.products import text_of
from search.reading import Probe, Reading
from search.window import Found

JUDGED_SIDE = 1_024
"""`at_least` for pictures that a judge looks at: as many pixels as the largest of them takes in."""

_Features = Mapping[int, NDArray[np.float32]]
"""By product key, shape (n, feature_dim)."""


@dataclass(frozen=True, slots=True)
class Considered:
    """The best candidates of a query in recall's order, as the judge gets them."""

    asked: Asked
    documents: tuple[Document, ...]
    found: tuple[Found, ...]
    """Document i is candidate i."""


def asked_of(query: Query, reading: Reading, fingerprint: str, *, liked: Picture | None = None) -> Asked:
    """The question; `fingerprint` is the encoder's, `liked` the picture of the product that the query names."""
    picture = liked if query.image is None else Picture.of(query.image)
    return Asked(
        text=query.text,
        picture=picture,
        instruction=query.instruction or PRODUCT_INSTRUCTION,
        exclude=query.exclude,
        known=Known(
            fingerprint,
            text=None if reading.words is None else _row(reading.words),
            pictures=None if reading.picture is None else _row(reading.picture)[None, :],
            understood=reading.understood,
        ),
    )


def documents_of(
    catalog: Catalog,
    keys: Keys,
    encoder: Encoder,
    pictures: PictureStore,
    *,
    texts: Recent[str, str] | None = None,
) -> dict[int, Document]:
    """The products as documents, in the order of the keys, with their stored words and features.

    A key that is gone is left out. Pictures are decoded only where a judge asks for their pixels. `texts` are those
    that were made before, by what names the product exactly.
    """
    stored = catalog.by_keys(keys)
    said = _features(catalog.vectors_of(Channel.TEXT, encoder.fingerprint, keys))
    seen = _features(catalog.vectors_of(Channel.PICTURE, encoder.fingerprint, keys))
    known = Recent(len(stored)) if texts is None else texts
    documents = {}
    for key, each in stored.items():
        identity = "/".join((each.row_hash, *each.picture_hashes))
        text = known.get(identity)
        if text is None:
            text = text_of(each.product, catalog.index_fields)
            known.keep(identity, text)
        documents[key] = Document(
            text=text,
            picture=picture_of([each], pictures),
            product=each.product,
            identity=identity,
            known=Known(
                encoder.fingerprint,
                text=said[key][0] if key in said else None,
                pictures=seen.get(key),
                terms=ProductTerms(each.strong, each.weak),
            ),
        )
    return documents


def picture_of(products: Iterable[StoredProduct], pictures: PictureStore) -> Picture | None:
    """The main picture of the first product that has one, decoded when it is looked at.

    Its name names the main pictures of all of them: what stands for several is not what stands for one.
    """
    digests = [each.picture_hashes[0] for each in products if each.picture_hashes]
    if not digests:
        return None

    def load() -> Pixels:
        return decode(pictures.read(digests[0]), source=f"picture {digests[0]}", at_least=JUDGED_SIDE)

    name = digests[0] if len(digests) == 1 else picture_hash("+".join(digests).encode())
    return Picture(name, load)


def _row(probe: Probe) -> NDArray[np.float32]:
    return probe.vector if probe.features is None else probe.features


def _features(batches: Iterable[VectorBatch]) -> _Features:
    """The long features of each product, or its vectors where the encoder has no long form."""
    found: dict[int, NDArray[np.float32]] = {}
    for batch in batches:
        rows = batch.vectors if batch.features is None else batch.features * batch.scales[:, None]
        keys, starts = np.unique(batch.keys, return_index=True)
        for key, part in zip(keys.tolist(), np.split(rows, starts[1:]), strict=True):
            # A batch may end in the middle of a product.
            found[key] = np.concatenate((found[key], part)) if key in found else part
    return found
