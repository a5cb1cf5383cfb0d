"""From the API's JSON to a query of the engine; pictures are decoded here and nowhere else in the API."""

from __future__ import annotations

import base64
from dataclasses import replace

from starlette.datastructures import UploadFile

from api.linked_pictures import LINKED, LinkedPictures
from api.schemas import QueryBody, RerankBody, SearchBody
from api.uploads import Uploads
from core.errors import InvalidQuery, UnreadableImage
from core.images import ENCODER_SIDE, decode, from_data_uri
from core.types import Band, Pixels, Query
from search.judging import Judging


def query_of(body: SearchBody, uploads: Uploads, links: LinkedPictures) -> Query:
    """The query; InvalidQuery and UnreadableImage say what doesn't fit; ServerBusy."""
    asked = body.query
    return Query(
        text=asked.text,
        image=_asked_picture(asked, uploads, links),
        like=tuple(asked.like),
        exclude=tuple(text for text in asked.not_ if text.strip()),
        filter=body.filter,
        sort=body.sort,
        limit=body.limit,
        cursor=body.cursor,
        facets=tuple(body.facets),
        instruction=body.rerank.instruction,
    )


def judging_of(body: RerankBody, usual: Judging) -> Judging:
    """What the second stage may do: what the request says, else what is usual here."""
    return replace(
        usual,
        enabled=body.enabled and usual.enabled,
        depth=body.depth or usual.depth,
        budget_ms=body.budget_ms or usual.budget_ms,
        min_band=None if body.min_band is None else Band(body.min_band),
    )


def kept(picture: UploadFile, uploads: Uploads) -> str:
    """Keeps a sent picture and answers what names it in a query, `upload:<id>`; UnreadableImage."""
    data = picture.file.read()
    decode(data, source=picture.filename or "the picture", at_least=ENCODER_SIDE)
    return f"upload:{uploads.put(data)}"


def picture_of(source: str | None, uploads: Uploads) -> Pixels | None:
    """The picture of a data URI, of plain base64, or of `upload:<id>`; None for none."""
    if not source:
        return None
    return decode(
        bytes_of(source, uploads, name="the query picture"), source="the query picture", at_least=ENCODER_SIDE
    )


def _asked_picture(asked: QueryBody, uploads: Uploads, links: LinkedPictures) -> Pixels | None:
    """The picture that was sent, or the one behind the link."""
    if not asked.image_url:
        return picture_of(asked.image, uploads)
    if asked.image:
        raise InvalidQuery("send either `image` or `image_url`")
    # What is no picture is told from what can't be fetched: only public servers get that far.
    return decode(links.fetch(asked.image_url), source=LINKED, at_least=ENCODER_SIDE)


def bytes_of(source: str, uploads: Uploads, *, name: str) -> bytes:
    """The file in a data URI, in plain base64, or under `upload:<id>`; UnreadableImage, ForgottenPicture."""
    if source.startswith("upload:"):
        return uploads.get(source.removeprefix("upload:"))
    if source[:5].lower() == "data:":
        return from_data_uri(source)
    try:
        # Without line ends: the usual tools break base64 into lines.
        return base64.b64decode("".join(source.split()), validate=True)
    except ValueError as error:
        raise UnreadableImage(name, "it is neither a data URI nor base64") from error
