"""The whole database: which catalogs there are, and the vectors that they share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from core.catalog import vectors
from core.catalog.catalog import Catalog
from core.catalog.database import Database
from core.catalog.dialect import bytewise
from core.catalog.lexical import index_of
from core.catalog.rows import VectorRow
from core.catalog.schema import (
    ATTRIBUTE,
    CATALOG,
    DOCUMENT,
    NUMBER_SET,
    PICTURE,
    PRODUCT,
    REJECT,
    RUN,
    TOKEN,
    TOMBSTONE,
    VALUE_SET,
)
from core.catalog.tallies import next_revision
from core.encoder_choice import EncoderChoice
from core.errors import UnknownCatalog


class CatalogStore:
    """All catalogs of one database; one store serves many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalogs: dict[tuple[int, int], Catalog] = {}

    @classmethod
    def open(cls, url: str) -> CatalogStore:
        """Makes the folder and the tables where they are missing; DataFolderProblem, NewerDatabase."""
        return cls(Database.open(url))

    def close(self) -> None:
        """Closes all connections; the store can't be used any more."""
        self._database.close()

    @property
    def incarnation(self) -> int:
        """Grows when another database is put into this one's place: what is known of its catalogs is of no use then."""
        return self._database.incarnation

    def names(self) -> list[str]:
        """The names of all catalogs, in alphabetical order."""
        with self._database.reading() as connection:
            ordered = select(CATALOG.c.name).order_by(bytewise(connection, CATALOG.c.name))
            return list(connection.execute(ordered).scalars())

    def catalog(self, name: str) -> Catalog:
        """The catalog of that name; UnknownCatalog."""
        with self._database.reading() as connection:
            found = self._find(connection, name)
        if found is None:
            raise UnknownCatalog(name, self.names())
        return found

    def encoder_choice(self, name: str) -> EncoderChoice | None:
        """What a catalog is searched by; None for what the settings say, and for one that is not there yet."""
        with self._database.reading() as connection:
            found = self._find(connection, name)
        return None if found is None else found.encoding.encoders().choice

    def create(self, name: str, *, index_fields: tuple[str, ...]) -> Catalog:
        """A new catalog, or the existing one, whose fields to index are then these."""
        with self._database.writing() as connection:
            packed = orjson.dumps(index_fields).decode()
            if self._find(connection, name) is None:
                self._insert(connection, name, packed)
            else:
                connection.execute(update(CATALOG).where(CATALOG.c.name == name).values(index_fields=packed))
            created = self._find(connection, name)
        if created is None:
            raise UnknownCatalog(name, self.names())
        return created

    def remove(self, name: str) -> None:
        """Removes a catalog and its products, but not the vectors, which others may share; UnknownCatalog."""
        catalog_id = self.catalog(name).id
        with self._database.writing() as connection:
            products = select(PRODUCT.c.key).where(PRODUCT.c.catalog_id == catalog_id)
            for table in (DOCUMENT, PICTURE, ATTRIBUTE):
                connection.execute(delete(table).where(table.c.product_key.in_(products)))
            for table in (PRODUCT, TOKEN, TOMBSTONE, REJECT, RUN, VALUE_SET, NUMBER_SET):
                connection.execute(delete(table).where(table.c.catalog_id == catalog_id))
            connection.execute(delete(CATALOG).where(CATALOG.c.id == catalog_id))
            index_of(connection, catalog_id).drop()
        self._catalogs.pop((self.incarnation, catalog_id), None)

    def known_vectors(self, hashes: Collection[str], fingerprint: str) -> set[str]:
        """Those of the content hashes that the encoder's vectors are stored for."""
        with self._database.reading() as connection:
            return vectors.known(connection, hashes, fingerprint)

    def put_vectors(self, rows: Sequence[VectorRow]) -> None:
        """Stores vectors of pictures and texts, whichever catalog they will serve."""
        with self._database.writing() as connection:
            vectors.put(connection, rows)

    def drop_unused_vectors(self) -> int:
        """Drops the vectors whose picture or text no product has any more; how many they were."""
        with self._database.writing() as connection:
            return vectors.drop_unused(connection)

    def drop_vectors_of_others(self, fingerprints: Collection[str]) -> Iterator[int]:
        """Drops the vectors of all encoders but these, a few at a time; how many they were each time."""
        last = 0
        while True:
            # A log of gigabytes would have to be written for all of them at once.
            with self._database.writing() as connection:
                dropped, last = vectors.drop_some_of_others(connection, fingerprints, last)
            if not dropped:
                return
            yield dropped

    def _find(self, connection: Connection, name: str) -> Catalog | None:
        if not name.isprintable():
            return None  # a database can't even be asked for NUL or half a character
        row = connection.execute(select(CATALOG).where(CATALOG.c.name == name)).one_or_none()
        if row is None:
            return None
        fields = tuple(orjson.loads(row.index_fields))
        known = self._catalogs.get((self.incarnation, row.id))
        # The same object each time, for the catalog remembers counts; a changed field list needs another.
        if known is None or known.index_fields != fields:
            known = Catalog(self._database, row.id, name, fields)
            self._catalogs[self.incarnation, row.id] = known
        return known

    @staticmethod
    def _insert(connection: Connection, name: str, index_fields: str) -> None:
        row = {
            "name": name,
            "index_fields": index_fields,
            "revision": 0,
            "products": 0,
            "tokens": 0,
            "tombstones_from": 0,
        }
        catalog_id: int = connection.execute(insert(CATALOG).values(row).returning(CATALOG.c.id)).scalar_one()
        next_revision(connection, catalog_id)
        index_of(connection, catalog_id).create()
