"""Gives what a catalog holds vectors of an encoder that has not seen it: after a switch, an upgrade, another setting."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from core.catalog import Catalog, StoredProduct, VectorRow
from core.describing import vector_rows
from core.errors import UnreadableImage
from core.pictures import PictureStore
from core.types import Keys
from indexer.overlap import ahead
from indexer.preparing import Ready, encoded_pictures, ready_picture
from indexer.report import Watch, Workbench

PRODUCTS_AT_ONCE = 32
"""Of one transaction: about a second's work, which is all that a kill loses."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """Some products whose contents are being prepared."""

    keys: Keys
    pictures: dict[str, Future[Ready | UnreadableImage]]
    texts: dict[str, str]


class CatchingUp:
    """Encodes the contents of one catalog that the bench's encoder has no vector of; counts what it did."""

    def __init__(self, bench: Workbench, catalog: Catalog, watch: Watch) -> None:
        self._bench, self._catalog, self._watch = bench, catalog, watch
        self._pictures = PictureStore(bench.data)
        self._under_way: set[str] = set()
        self.pictures = self.texts = 0
        self.unreadable: set[str] = set()
        """Pictures that are gone from the store or can't be decoded any more."""

    def encode(self, keys: Keys, *, in_force: bool) -> bool:
        """Encodes what is missing of the products, a few in each transaction; False where the watch ended it early.

        Of an encoder in force the products count as changed, so that running servers see their vectors.
        """
        with ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="prepare") as pool:
            for begun in ahead(self._begin(some, pool) for some in _parts(keys)):
                if self._watch.stopping():
                    pool.shutdown(cancel_futures=True)
                    return False
                rows = [*self._seen(begun), *self._read(begun)]
                if rows:
                    self._catalog.encoding.add(rows, changing=begun.keys if in_force else None)
                self._under_way -= begun.pictures.keys() | begun.texts.keys()
                self._watch.advance(len(begun.keys))
        return True

    def _begin(self, keys: Keys, pool: ThreadPoolExecutor) -> _Begun:
        products = list(self._catalog.by_keys(keys).values())
        contents = {
            content for each in products for content in (*each.picture_hashes, each.text_hash) if content
        }
        known = self._bench.store.known_vectors(contents, self._bench.encoder.fingerprint)
        wanted = contents - known - self._under_way
        self._under_way |= wanted
        pictures = dict.fromkeys(
            each for product in products for each in product.picture_hashes if each in wanted
        )
        submit, encoder = pool.submit, self._bench.encoder
        return _Begun(
            keys=keys,
            pictures={
                each: submit(ready_picture, each, f"picture {each}", self._pictures, encoder)
                for each in pictures
            },
            texts={
                each.text_hash: text
                for each in products
                if each.text_hash in wanted and (text := self._text(each))
            },
        )

    def _text(self, stored: StoredProduct) -> str:
        # A release that reads products otherwise makes another text of this one than the hash was taken of. What
        # it makes is what the encoder should see; the next ingest of the product gives both a hash of their own.
        return self._bench.language.product_text(stored.product, self._catalog.index_fields)

    def _seen(self, begun: _Begun) -> Iterator[VectorRow]:
        good: dict[str, Ready] = {}
        for digest, future in begun.pictures.items():
            ready = future.result()
            if isinstance(ready, UnreadableImage):
                self.unreadable.add(digest)
            else:
                good[digest] = ready
        if good:
            self.pictures += len(good)
            encoded = encoded_pictures(self._bench.encoder, list(good.values()))
            yield from vector_rows(list(good), encoded, self._bench.encoder)

    def _read(self, begun: _Begun) -> Iterator[VectorRow]:
        if begun.texts:
            self.texts += len(begun.texts)
            encoded = self._bench.encoder.encode_texts(list(begun.texts.values()))
            yield from vector_rows(list(begun.texts), encoded, self._bench.encoder)


def _parts(keys: Keys) -> Iterator[Keys]:
    return (keys[start : start + PRODUCTS_AT_ONCE] for start in range(0, len(keys), PRODUCTS_AT_ONCE))
