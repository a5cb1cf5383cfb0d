"""Whether the server is alive, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from api.context import Context

router = APIRouter(tags=["health"])


class AliveBody(BaseModel):
    """The process runs."""

    status: str = "alive"


class CatalogBody(BaseModel):
    """One catalog that can be searched."""

    name: str
    products: int
    pictures: int


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
    catalogs = []
    for name in engine.store.names():
        counts = engine.live(name).catalog.counts()
        catalogs.append(CatalogBody(name=name, products=counts.products, pictures=counts.pictures))
    return ReadyBody(encoder=engine.encoder.fingerprint, catalogs=catalogs)
