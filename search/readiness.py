"""Whether a catalog's answers are right at this moment, found out by asking for something that must be there."""

from __future__ import annotations

from core.errors import LycheeError
from core.types import MAX_QUERY_CHARACTERS, Query
from search.checking import unsearchable
from search.engine import SearchEngine
from search.judging import Judging

TOLERATED_SHARE = 0.5
"""Products that the encoder has not seen: while a catalog is switched over, some may lack for a moment."""


def why_not_ready(engine: SearchEngine, name: str) -> str | None:
    """The reason in a sentence; None where the catalog's answers are right."""
    try:
        served = engine.served(name)
        products = served.catalog.size()
        unseen = served.catalog.encoding.unsearchable(served.now().models.encoder.fingerprint)
        if unseen > TOLERATED_SHARE * products:
            return unsearchable(name, unseen)
        return _unfound(engine, name) if products else None
    except LycheeError as error:
        return str(error)


def _unfound(engine: SearchEngine, name: str) -> str | None:
    """What can't be found by its own title."""
    for product in engine.store.catalog(name).first(1):
        query = Query(text=product.title[:MAX_QUERY_CHARACTERS], limit=1)
        if query.text.strip() and not engine.search(query, name, Judging(enabled=False)).hits:
            return f"catalog {name!r} does not find {product.id!r} by its own title; run `lychee index check {name}`"
    return None
