"""A copy of a catalog with some fields hidden, for queries that were made of those very fields."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from core.catalog import Catalog, CatalogRow, CatalogStore, StoredProduct, VectorRow
from core.describing import vector_rows, words_of
from core.encoder import Encoder
from core.language import Language
from core.types import Channel, Product

BATCH_ROWS = 128


def hide(product: Product, fields: Collection[str]) -> Product:
    """The product without those fields.

    A field is `title`, `title_zh`, `description`, `category`, `attributes`, `attributes.color`, or any column of
    the feed that became an attribute.
    """
    hidden = {name.removeprefix("attributes.") for name in fields}
    return replace(
        product,
        title="" if "title" in fields else product.title,
        titles={lang: text for lang, text in product.titles.items() if f"title_{lang}" not in fields},
        description="" if "description" in fields else product.description,
        category=() if "category" in fields else product.category,
        # A nested column such as names.zh_CN goes with its parent.
        attributes={
            name: values
            for name, values in product.attributes.items()
            if not hidden & {"attributes", name, name.partition(".")[0]}
        },
    )


def copy_hiding(
    source: Catalog, target: CatalogStore, fields: Collection[str], *, encoder: Encoder, language: Language
) -> None:
    """Writes the catalog into another store with the fields hidden; pictures keep the vectors they have."""
    copy = target.create(source.name, index_fields=source.index_fields)
    # A row that was bared is another row: nothing that is remembered of the whole one holds of it.
    bared = ",".join(sorted(fields))
    products = source.stored()
    while batch := list(islice(products, BATCH_ROWS)):
        pictures = _picture_rows(source, batch, encoder.fingerprint)
        bare = [replace(each, product=hide(each.product, fields)) for each in batch]
        words = [words_of(each.product, language, source.index_fields) for each in bare]
        texts = {each.text_hash: each.text for each in words if each.text_hash}
        rows = [
            CatalogRow(
                each.product, said.terms, f"{each.row_hash}-{bared}", each.picture_hashes, said.text_hash
            )
            for each, said in zip(bare, words, strict=True)
        ]
        spoken = (
            vector_rows(list(texts), encoder.encode_texts(list(texts.values())), encoder) if texts else []
        )
        copy.write(rows, [*pictures, *spoken])


def _picture_rows(source: Catalog, products: list[StoredProduct], fingerprint: str) -> Iterator[VectorRow]:
    """The stored vectors of the products' pictures under the pictures' hashes."""
    keys = np.array([each.key for each in products], dtype=np.int64)
    hashes = chain.from_iterable(each.picture_hashes for each in products)
    batches = source.vectors_of(Channel.PICTURE, fingerprint, keys)
    rows = (
        (batch.vectors[at], None if batch.features is None else batch.features[at], float(batch.scales[at]))
        for batch in batches
        for at in range(len(batch.keys))
    )
    for content, (vector, features, scale) in zip(hashes, rows, strict=True):
        yield VectorRow(content, fingerprint, vector, features, scale)
