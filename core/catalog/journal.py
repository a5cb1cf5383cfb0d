"""The journal of ingests: runs, and what each of them refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson
from sqlalchemy import Connection, insert, select, update

from core.catalog.dialect import storable
from core.catalog.rows import Reject, Run
from core.catalog.schema import REJECT, RUN


def begin(connection: Connection, catalog_id: int) -> int:
    """Notes that an ingest has begun; the number it goes by."""
    begun = insert(RUN).values(catalog_id=catalog_id, started=_now(), counts="{}").returning(RUN.c.id)
    run: int = connection.execute(begun).scalar_one()
    return run


def end(connection: Connection, run: int, counts: Mapping[str, int]) -> None:
    """Notes that an ingest has ended, and what it did."""
    ended = {"ended": _now(), "counts": orjson.dumps(dict(counts)).decode()}
    connection.execute(update(RUN).where(RUN.c.id == run).values(ended))


def runs(connection: Connection, catalog_id: int) -> list[Run]:
    """All ingests of a catalog, the newest first."""
    found = select(RUN).where(RUN.c.catalog_id == catalog_id).order_by(RUN.c.id.desc())
    return [
        Run(
            id=row.id,
            started=datetime.fromisoformat(row.started),
            ended=None if row.ended is None else datetime.fromisoformat(row.ended),
            counts=orjson.loads(row.counts),
        )
        for row in connection.execute(found)
    ]


def add_rejects(connection: Connection, catalog_id: int, run: int, rejects: Sequence[Reject]) -> None:
    """Notes what a run refused."""
    if rejects:
        connection.execute(insert(REJECT), [_columns(catalog_id, run, each) for each in rejects])


def rejects(connection: Connection, catalog_id: int, run: int | None) -> list[Reject]:
    """What a run refused, in the order in which it met it; without a run, of all runs."""
    found = select(REJECT).where(REJECT.c.catalog_id == catalog_id).order_by(REJECT.c.id)
    if run is not None:
        found = found.where(REJECT.c.run == run)
    return [
        Reject(row.code, row.reason, row.source, line=row.line, product_id=row.product_id)
        for row in connection.execute(found)
    ]


def _columns(catalog_id: int, run: int, reject: Reject) -> dict[str, object]:
    return {
        "catalog_id": catalog_id,
        "run": run,
        "line": reject.line,
        "product_id": None if reject.product_id is None else storable(reject.product_id),
        "code": storable(reject.code),
        "reason": storable(reject.reason),
        "source": storable(reject.source),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()
