"""What a catalog knows of itself as a whole: its revision, its size, and how frequent each token is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from core.catalog.bm25 import Corpus
from core.catalog.dialect import insert
from core.catalog.lexical import Posting
from core.catalog.schema import CATALOG, CLOCK, TOKEN


def next_revision(connection: Connection, catalog_id: int) -> int:
    """Moves a catalog to its next revision."""
    ticked = update(CLOCK).values(revision=CLOCK.c.revision + 1).returning(CLOCK.c.revision)
    revision: int = connection.execute(ticked).scalar_one()
    connection.execute(update(CATALOG).where(CATALOG.c.id == catalog_id).values(revision=revision))
    return revision


def corpus(connection: Connection, catalog_id: int) -> Corpus | None:
    """The catalog as a whole, None when it is gone."""
    wanted = select(CATALOG.c.revision, CATALOG.c.products, CATALOG.c.tokens).where(
        CATALOG.c.id == catalog_id
    )
    row = connection.execute(wanted).one_or_none()
    return None if row is None else Corpus(*row)


def add_products(connection: Connection, catalog_id: int, products: int) -> None:
    """Notes that the catalog has so many products more, or less."""
    grown = {"products": CATALOG.c.products + products}
    connection.execute(update(CATALOG).where(CATALOG.c.id == catalog_id).values(grown))


def add_tokens(connection: Connection, catalog_id: int, postings: Sequence[Posting], *, times: int) -> None:
    """Counts the tokens of products: once more when they come, with `times` -1 when they go."""
    counted: Counter[str] = Counter()
    for each in postings:
        counted.update(each.tokens())
    grown = {"tokens": CATALOG.c.tokens + times * counted.total()}
    connection.execute(update(CATALOG).where(CATALOG.c.id == catalog_id).values(grown))
    if counted:
        arriving = insert(connection, TOKEN)
        sums = {"products": TOKEN.c.products + arriving.excluded.products}
        connection.execute(
            arriving.on_conflict_do_update(index_elements=["catalog_id", "token"], set_=sums),
            [
                {"catalog_id": catalog_id, "token": token, "products": times * products}
                for token, products in sorted(counted.items())
            ],
        )
