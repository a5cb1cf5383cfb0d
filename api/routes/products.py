"""Products and their pictures."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from api.context import Context
from api.description import pictures, refusals
from api.rendering import answer_body, product_body
from api.request_notes import noted
from api.schemas import AnswerBody, ProductBody
from core.pictures import SERVED_TYPES

router = APIRouter(tags=["products"])
A_DAY = "public, max-age=86400"


# Before the product itself: an id may hold slashes, so its route takes the rest of the path.
@router.get("/api/products/{product_id:path}/similar", responses=refusals(404, 422))
def similar(
    product_id: str,
    context: Context,
    catalog: str = "products",
    limit: Annotated[int, Query(ge=1, le=100)] = 12,
) -> AnswerBody:
    """Products whose pictures look like that product's."""
    context.admit(catalog)
    context.charge_search(context.engine.judging)
    return answer_body(noted(context.engine.similar(product_id, catalog, limit), catalog, ""), catalog)


@router.get("/api/products/{product_id:path}", responses=refusals(404))
def product(product_id: str, context: Context, catalog: str = "products") -> ProductBody:
    """One product."""
    context.admit(catalog)
    return product_body(context.engine.product(product_id, catalog).product, catalog)


@router.get(
    "/images/{catalog}/{product_id:path}",
    response_class=FileResponse,
    responses=pictures(*SERVED_TYPES) | refusals(404, 422),
)
def image(
    catalog: str, product_id: str, context: Context, size: Literal["thumb", "full"] = "full"
) -> FileResponse:
    """The main picture of a product."""
    context.admit(catalog)
    hashes = context.engine.product(product_id, catalog).picture_hashes
    if not hashes:
        raise HTTPException(404, f"product {product_id!r} has no picture")
    if size == "thumb":
        return FileResponse(
            context.pictures.thumb(hashes[0]), media_type="image/jpeg", headers={"Cache-Control": A_DAY}
        )
    path, media_type = context.pictures.original(hashes[0])
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": A_DAY})
