"""Whether the server is alive, and whether it can answer."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from api.context import Context
from search.readiness import why_not_ready
from search.serving import ServedCatalog

router = APIRouter(tags=["health"])


class AliveBody(BaseModel):
    """The process runs."""

    status: str = "alive"


class CatalogBody(BaseModel):
    """One catalog that can be searched."""

    name: str
    products: int
    pictures: int
    encoder: str
    """Fingerprint of the encoder that serves."""
    unsearchable: int
    """Products that this encoder has not seen: `lychee index rebuild` has it see them."""
    problem: str | None
    """Why another encoder serves than the one in force."""


class ReadyBody(BaseModel):
    """The models are loaded and the indexes are open."""

    status: str = "ready"
    encoder: str
    catalogs: list[CatalogBody]


@router.get("/healthz")
def alive() -> AliveBody:
    """Answers as long as the process does."""
    return AliveBody()


@router.get("/readyz")
def ready(context: Context) -> ReadyBody:
    """Opens every catalog; a catalog that can't be searched makes this a 503 with its reason."""
    engine = context.engine
    names = engine.store.names()
    reasons = [reason for name in names if (reason := why_not_ready(engine, name)) is not None]
    if reasons:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "; ".join(reasons))
    catalogs = [_described(engine.served(name)) for name in names]
    return ReadyBody(encoder=engine.encoder.fingerprint, catalogs=catalogs)


def _described(served: ServedCatalog) -> CatalogBody:
    counts, fingerprint = served.catalog.counts(), served.now().models.encoder.fingerprint
    return CatalogBody(
        name=served.catalog.name,
        products=counts.products,
        pictures=counts.pictures,
        encoder=fingerprint,
        unsearchable=served.catalog.encoding.unsearchable(fingerprint),
        problem=served.problem,
    )
