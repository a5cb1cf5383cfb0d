"""What every route works with, put together once when the server starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from api.uploads import Uploads
from core.pictures import PictureStore
from core.settings import Settings
from core.writing import ProductWriter
from search.engine import SearchEngine


@dataclass(frozen=True, slots=True)
class ServerContext:
    """The parts of a running server."""

    settings: Settings
    engine: SearchEngine
    pictures: PictureStore
    uploads: Uploads
    writer: ProductWriter | None = None
    """None for a server that only reads."""


def of_request(request: Request) -> ServerContext:
    """The context that the application was made with."""
    return cast(ServerContext, request.app.state.context)


Context = Annotated[ServerContext, Depends(of_request)]
