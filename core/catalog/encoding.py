"""Which encoder a catalog is searched by, and which of its contents that encoder, or another, has no vector of yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import orjson
from sqlalchemy import ColumnElement, Connection, exists, select, update

from core.catalog import vectors
from core.catalog.database import Database
from core.catalog.dialect import keys_of, one_of_keys
from core.catalog.rows import VectorRow
from core.catalog.schema import CATALOG, PICTURE, PRODUCT, VECTOR
from core.catalog.tallies import next_revision
from core.encoder_choice import EncoderChoice, EncodersOfCatalog
from core.errors import UnknownCatalog
from core.types import Keys


class Encoding:
    """The encoders of one catalog; safe for many threads."""

    def __init__(self, database: Database, catalog_id: int, name: str) -> None:
        self._database, self._id, self._name = database, catalog_id, name
        self._counted: tuple[EncodersOfCatalog, int, str, int] | None = None

    def encoders(self) -> EncodersOfCatalog:
        """The encoder in force and the one before; UnknownCatalog where the catalog was removed."""
        return self._state()[0]

    def switch(
        self,
        choice: EncoderChoice,
        fingerprint: str,
        *,
        before: EncoderChoice,
        before_fingerprint: str | None,
    ) -> None:
        """Puts another encoder in force, which has a vector of every content, and remembers the one before."""
        values = {
            "encoder": _packed(choice),
            "encoded_by": fingerprint,
            "encoder_before": _packed(before),
            "encoded_by_before": before_fingerprint,
        }
        with self._database.writing() as connection:
            connection.execute(update(CATALOG).where(CATALOG.c.id == self._id).values(values))

    def note(self, fingerprint: str | None) -> None:
        """Notes whose vectors are all there; None before some are written that others have no equal of."""
        with self._database.writing() as connection:
            connection.execute(update(CATALOG).where(CATALOG.c.id == self._id).values(encoded_by=fingerprint))

    def forget_before(self) -> None:
        """There is no way back to the encoder before any more."""
        with self._database.writing() as connection:
            nothing = {"encoder_before": None, "encoded_by_before": None}
            connection.execute(update(CATALOG).where(CATALOG.c.id == self._id).values(nothing))

    def missing(self, fingerprint: str, *, since: int = 0) -> Keys:
        """The keys of the products of which a picture or the text has no vector of the encoder, ascending.

        With `since`, only those that were added or changed after that revision.
        """
        ours = (PRODUCT.c.catalog_id == self._id) & (PRODUCT.c.revision > since)
        pictures = select(PRODUCT.c.key).join(PICTURE, PICTURE.c.product_key == PRODUCT.c.key)
        unseen = pictures.where(ours, ~_encoded(PICTURE.c.hash, fingerprint))
        unread = select(PRODUCT.c.key).where(
            ours, PRODUCT.c.text_hash.is_not(None), ~_encoded(PRODUCT.c.text_hash, fingerprint)
        )
        with self._database.reading() as connection:
            return keys_of(connection, select(unseen.union(unread).subquery().columns[0]))

    def unsearchable(self, fingerprint: str) -> int:
        """How many products the encoder finds less well, since vectors of theirs are missing; counted once a revision."""
        encoders, revision = self._state()
        if encoders.fingerprint == fingerprint:
            return 0
        if self._counted is None or self._counted[:3] != (encoders, revision, fingerprint):
            self._counted = (encoders, revision, fingerprint, len(self.missing(fingerprint)))
        return self._counted[3]

    def add(self, rows: Sequence[VectorRow], *, changing: Keys | None = None) -> None:
        """Stores vectors of contents that are there already, all or nothing.

        Products of the keys `changing` count as changed: whoever serves them with this encoder then sees the vectors.
        """
        with self._database.writing() as connection:
            if changing is not None:
                self._touch(connection, changing)
            # In one order: writers of two catalogs that share contents would wait for each other in a ring.
            vectors.put(connection, sorted(rows, key=lambda row: row.hash))

    def _touch(self, connection: Connection, keys: Keys) -> None:
        revision = next_revision(connection, self._id)
        connection.execute(
            update(PRODUCT)
            .where(PRODUCT.c.key.in_(one_of_keys(connection, keys)), PRODUCT.c.catalog_id == self._id)
            .values(revision=revision)
        )

    def _state(self) -> tuple[EncodersOfCatalog, int]:
        columns = (CATALOG.c.encoder, CATALOG.c.encoded_by, CATALOG.c.encoder_before)
        wanted = select(*columns, CATALOG.c.encoded_by_before, CATALOG.c.revision)
        with self._database.reading() as connection:
            row = connection.execute(wanted.where(CATALOG.c.id == self._id)).one_or_none()
        if row is None:
            raise UnknownCatalog(self._name, [])
        now, before = _unpacked(row.encoder), _unpacked(row.encoder_before)
        return EncodersOfCatalog(now, row.encoded_by, before, row.encoded_by_before), row.revision


def _encoded(
    content: ColumnElement[str] | ColumnElement[str | None], fingerprint: str
) -> ColumnElement[bool]:
    return exists().where(VECTOR.c.hash == content, VECTOR.c.fingerprint == fingerprint)


def _packed(choice: EncoderChoice) -> str:
    return orjson.dumps(asdict(choice)).decode()


def _unpacked(text: str | None) -> EncoderChoice | None:
    return None if text is None else EncoderChoice(**orjson.loads(text))
