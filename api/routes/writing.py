"""Writing over HTTP: products are put, sent in batches and removed by whoever has an admin key."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from api.context import Context, ServerContext
from api.description import REFUSED_BODY, refusals
from api.doors import WritersRoute
from api.judge_schemas import Text
from core.catalog import Reject
from core.door_errors import RefusedProduct, WritingOff
from core.errors import InvalidQuery
from core.writing import ProductWriter, Written

_ADMIN = HTTPBearer(scheme_name="admin key", auto_error=False)
_IN_A_HEADER = APIKeyHeader(name="X-API-Key", scheme_name="admin key in a header", auto_error=False)
_EITHER = [Security(_ADMIN), Security(_IN_A_HEADER)]
router = APIRouter(tags=["writing"], route_class=WritersRoute, dependencies=_EITHER)
MAX_PRODUCTS = 1_000
Entry = dict[str, Any]
"""A product under the column names that feeds have: id, title, image_link, price, color, …"""
CatalogName = Annotated[str, Query(alias="catalog", description="The catalog; made where there is none")]


class BatchBody(BaseModel):
    """Products to add and update."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    products: Annotated[list[Entry], Field(min_length=1, max_length=MAX_PRODUCTS)]
    """Each under the column names that feeds have. Pictures are data: URIs or public http(s) links."""


class RejectBody(BaseModel):
    """One product or picture that was refused, and why."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    line: int | None
    """The product's number among those sent; 1 is the first."""
    id: Text | None
    code: Text
    reason: Text
    source: Text


class WrittenBody(BaseModel):
    """What became of the products that were sent."""

    stored: int
    updated: int
    unchanged: int
    rejected: list[RejectBody]


class RemovedBody(BaseModel):
    """What was removed."""

    removed: int


# Plain functions run in the thread pool: pictures are read, decoded and encoded before the answer.
@router.post("/api/products/batch", responses=refusals(409) | REFUSED_BODY)
def put_batch(body: BatchBody, context: Context, catalog: CatalogName = "products") -> WrittenBody:
    """Adds and updates products as an ingest would; those that are refused are refused alone."""
    return _body(_writer(context).put(catalog, body.products))


@router.put("/api/products/{product_id:path}", responses=refusals(404, 409) | REFUSED_BODY)
def put(product_id: str, body: Entry, context: Context, catalog: CatalogName = "products") -> WrittenBody:
    """Adds or updates one product; refused as a whole only where nothing of it can be kept."""
    if "id" in body and str(body["id"]).strip() != product_id:
        raise InvalidQuery(f"the address names product {product_id!r}, and the body's id is another")
    written = _writer(context).put(catalog, [{**body, "id": product_id}])
    if not (written.stored or written.updated or written.unchanged):
        raise _refusal(written)
    return _body(written)


@router.delete("/api/products/{product_id:path}", responses=refusals(404, 409))
def remove(product_id: str, context: Context, catalog: CatalogName = "products") -> RemovedBody:
    """Removes one product."""
    _writer(context).remove(catalog, product_id)
    return RemovedBody(removed=1)


def _writer(context: ServerContext) -> ProductWriter:
    if context.writer is None:
        raise WritingOff
    return context.writer


def _refusal(written: Written) -> RefusedProduct:
    reasons = [f"{each.code} ({each.reason})" for each in written.rejected]
    return RefusedProduct("; ".join(reasons) or "it has neither a title nor a picture that can be read")


def _body(written: Written) -> WrittenBody:
    return WrittenBody(
        stored=written.stored,
        updated=written.updated,
        unchanged=written.unchanged,
        rejected=[_reject_body(each) for each in written.rejected],
    )


def _reject_body(reject: Reject) -> RejectBody:
    return RejectBody(
        line=reject.line,
        id=reject.product_id,
        code=reject.code,
        reason=reject.reason,
        source=reject.source,
    )
