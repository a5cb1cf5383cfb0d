"""One catalog: its products go in and come out here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import numpy as np
from sqlalchemy import Connection, select

from core.catalog import facets, journal, lexical, reading, tallies, vectors, writing
from core.catalog.bm25 import Corpus, LexicalSearch
from core.catalog.database import Database
from core.catalog.dialect import keys_of
from core.catalog.encoding import Encoding
from core.catalog.filtering import Kept, Passing
from core.catalog.rows import (
    CatalogCounts,
    CatalogRow,
    PriceRange,
    Reject,
    Run,
    StoredProduct,
    VectorRow,
    WriteCounts,
)
from core.catalog.schema import PRODUCT
from core.errors import UnknownCatalog, UnknownProduct
from core.filters import Filter
from core.key_set import KeySet
from core.language.terms import ProductTerms
from core.types import Channel, Keys, Product, VectorBatch


class Catalog:
    """One catalog of products; safe for many threads. Get it from a CatalogStore."""

    def __init__(self, database: Database, catalog_id: int, name: str, index_fields: tuple[str, ...]) -> None:
        self.id, self.name, self.index_fields = catalog_id, name, index_fields
        self.encoding = Encoding(database, catalog_id, name)
        self._database, self._incarnation = database, database.incarnation
        self._lexical, self._kept = LexicalSearch(catalog_id), Kept()
        self._counts: tuple[int, CatalogCounts] | None = None

    def revision(self) -> int:
        """Grows with every committed change; never the same again, even when the catalog is made anew."""
        with self._reading() as connection:
            return self._corpus(connection).revision

    def size(self) -> int:
        """How many products the catalog holds; kept up to date with each write, so it costs nothing to ask."""
        with self._reading() as connection:
            return self._corpus(connection).products

    def counts(self) -> CatalogCounts:
        """How much the catalog holds; counted once a revision."""
        with self._reading() as connection:
            revision = self._corpus(connection).revision
            if self._counts is None or self._counts[0] != revision:
                self._counts = (revision, reading.counts(connection, self.id))
            return self._counts[1]

    def write(
        self, rows: Sequence[CatalogRow], vectors_of: Sequence[VectorRow] = (), *, run: int | None = None
    ) -> WriteCounts:
        """Adds or replaces products and stores vectors, all or nothing; stored once it returns."""
        with self._writing() as connection:
            # The rows go first: they take the clock, which makes writers of other processes wait for their turn.
            counts = writing.write_rows(connection, self.id, rows, run)
            vectors.put(connection, vectors_of)
            return counts

    def remove(self, ids: Collection[str]) -> int:
        """Removes products; how many of the ids there were."""
        with self._writing() as connection:
            keys = writing.keys_of(connection, self.id, ids)
            writing.remove_products(connection, self.id, sorted(keys.values()))
            return len(keys)

    def begin_run(self) -> int:
        """Notes that an ingest begins; the number of its run."""
        with self._writing() as connection:
            return journal.begin(connection, self.id)

    def end_run(self, run: int, counts: Mapping[str, int]) -> None:
        """Notes that an ingest has ended and what it did."""
        with self._writing() as connection:
            journal.end(connection, run, counts)

    def mark_seen(self, ids: Collection[str], run: int) -> None:
        """Notes that a run's feed has these products, though nothing in them changed."""
        with self._writing() as connection:
            writing.mark_seen(connection, self.id, ids, run)

    def prune(self, run: int) -> int:
        """Removes the products that the run has neither written nor seen; how many they were."""
        with self._writing() as connection:
            keys = writing.unseen(connection, self.id, run)
            writing.remove_products(connection, self.id, keys)
            return len(keys)

    def add_rejects(self, run: int, rejects: Sequence[Reject]) -> None:
        """Notes what a run refused."""
        with self._writing() as connection:
            journal.add_rejects(connection, self.id, run, rejects)

    def rejects(self, run: int | None = None) -> list[Reject]:
        """What a run refused, in the order of its feed; without a run, all there is."""
        with self._reading() as connection:
            return journal.rejects(connection, self.id, run)

    def runs(self) -> list[Run]:
        """All ingests, the newest first."""
        with self._reading() as connection:
            return journal.runs(connection, self.id)

    def get(self, product_id: str) -> StoredProduct:
        """The product of that id; UnknownProduct."""
        with self._reading() as connection:
            keys = writing.keys_of(connection, self.id, [product_id])
            found = reading.products(connection, keys.values())
        if not found:
            raise UnknownProduct(self.name, product_id)
        return next(iter(found.values()))

    def by_keys(self, keys: Collection[int] | Keys) -> dict[int, StoredProduct]:
        """The products of the keys, in their order; a key that is gone is left out."""
        with self._reading() as connection:
            return reading.products(connection, keys)

    def products(self, keys: Collection[int] | Keys) -> dict[int, Product]:
        """Only the products of the keys: all that showing them needs."""
        with self._reading() as connection:
            return reading.bodies(connection, keys)

    def terms(self, keys: Collection[int] | Keys, among: frozenset[str]) -> dict[int, ProductTerms]:
        """Which of some tokens the products have, in the order of the keys: all that weighing them needs."""
        with self._reading() as connection:
            return reading.terms(connection, keys, among)

    def keys_of(self, ids: Collection[str]) -> dict[str, int]:
        """The keys of the ids that the catalog has."""
        with self._reading() as connection:
            return writing.keys_of(connection, self.id, ids)

    def row_hashes(self, ids: Collection[str]) -> dict[str, str]:
        """The row hashes of the ids that the catalog has."""
        with self._reading() as connection:
            return reading.row_hashes(connection, self.id, ids)

    def prices(self, keys: Collection[int] | Keys) -> dict[int, float]:
        """The prices of those of the products that have one."""
        with self._reading() as connection:
            return reading.prices(connection, keys)

    def stored(self) -> Iterator[StoredProduct]:
        """All products in key order, a few hundred in memory at a time."""
        with self._reading() as connection:
            keys = keys_of(connection, select(PRODUCT.c.key).where(PRODUCT.c.catalog_id == self.id))
        for start in range(0, len(keys), 500):
            yield from self.by_keys(keys[start : start + 500]).values()

    def export(self) -> Iterator[Product]:
        """All products in key order, as their feed described them."""
        return (each.product for each in self.stored())

    def first(self, limit: int) -> list[Product]:
        """The products that came first, in key order."""
        wanted = select(PRODUCT.c.key).where(PRODUCT.c.catalog_id == self.id)
        with self._reading() as connection:
            keys = keys_of(connection, wanted.order_by(PRODUCT.c.key).limit(limit))
        return [stored.product for stored in self.by_keys(keys).values()]

    def matching(self, tree: Filter) -> KeySet:
        """The products that pass a filter; most often the same object until the catalog changes."""
        with self._reading() as connection:
            return Passing(connection, self.id, self._corpus(connection).revision, self._kept).keys(tree)

    def lexical(
        self, tokens: Iterable[str], limit: int, *, among: KeySet | None = None
    ) -> list[tuple[int, float]]:
        """Key and BM25 (above 0, higher is better) of the best products, best first, ties by key."""
        with self._reading() as connection:
            frequencies = reading.frequencies(connection, self.id, tokens)
            return self._lexical.best(connection, self._corpus(connection), frequencies, limit, among)

    def document_frequencies(self, tokens: Iterable[str]) -> dict[str, int]:
        """In how many products each token is; 0 for an unknown one."""
        wanted = list(tokens)
        with self._reading() as connection:
            found = reading.frequencies(connection, self.id, wanted)
        return {token: found.get(lexical.opaque(token), 0) for token in wanted}

    def facets(
        self, keys: Keys, fields: Sequence[str], *, limit: int = facets.MAX_VALUES
    ) -> dict[str, dict[str, int]]:
        """For each field its values and in how many of the products they are, most frequent first.

        `category` counts the paths of all levels, `category.lvl0` those of one; `price` counts round ranges
        whose names can be put behind `price` in a filter.
        """
        with self._reading() as connection:
            return facets.count(connection, keys, fields, limit)

    def price_range(self, keys: Keys) -> PriceRange | None:
        """The lowest and highest price among the products, None where none has a price."""
        with self._reading() as connection:
            return facets.price_range(connection, keys)

    def vectors(self, channel: Channel, fingerprint: str, *, since: int = 0) -> Iterator[VectorBatch]:
        """Vectors in key order, of the products that changed after a revision; bounded memory."""
        with self._reading() as connection:
            keys = keys_of(connection, reading.changed(self.id, since))
        return vectors.batches(self._database, channel, fingerprint, keys)

    def vectors_of(self, channel: Channel, fingerprint: str, keys: Keys) -> Iterator[VectorBatch]:
        """The vectors of some products in key order; the main picture of each comes before its others."""
        return vectors.batches(self._database, channel, fingerprint, np.sort(keys))

    def changed_since(self, revision: int) -> Keys:
        """The keys of the products that were added or changed after a revision, ascending."""
        with self._reading() as connection:
            return keys_of(connection, reading.changed(self.id, revision))

    def removed_since(self, revision: int) -> Keys:
        """The keys of the products that were removed after a revision, ascending; none of them exists now.

        For a revision from before the oldest tombstone it is every key that this catalog doesn't have: more
        than was removed, and right for whoever takes them out of an index.
        """
        with self._reading() as connection:
            return reading.removed(connection, self.id, revision)

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._database.reading(self._incarnation)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._database.writing(self._incarnation) as connection:
            self._corpus(connection)  # Nothing may be written into a catalog that was removed meanwhile.
            yield connection

    def _corpus(self, connection: Connection) -> Corpus:
        corpus = tallies.corpus(connection, self.id)
        if corpus is None:
            raise UnknownCatalog(self.name, [])
        return corpus
