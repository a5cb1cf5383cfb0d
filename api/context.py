"""What every route works with, put together once when the server starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, cast

from fastapi import Depends, Request

from api.key_gate import VISITOR, admit_catalog
from api.keys import Key
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
    key: Key | None = None
    """What the request came with."""

    def admit(self, catalog: str) -> None:
        """Returns where the request's key is for that catalog; ForbiddenToKey."""
        admit_catalog(self.key, catalog)


def of_request(request: Request) -> ServerContext:
    """The context that the application was made with, and the key that this request brings along."""
    return replace(cast(ServerContext, request.app.state.context), key=request.scope.get(VISITOR))


Context = Annotated[ServerContext, Depends(of_request)]
