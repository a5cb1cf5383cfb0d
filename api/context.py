"""What every route works with, put together once when the server starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, cast

from fastapi import Depends, Request

from api.budgets import Budgets, Work
from api.guesses import network_of
from api.key_gate import VISITOR, admit_catalog
from api.keys import Key
from api.linked_pictures import LINK_UNITS, LinkedPictures
from api.sharing import address_of
from api.uploads import Uploads
from core.pictures import PictureStore
from core.settings import Settings
from core.writing import ProductWriter
from search.engine import SearchEngine
from search.judging import Judging


@dataclass(frozen=True, slots=True)
class ServerContext:
    """The parts of a running server."""

    settings: Settings
    engine: SearchEngine
    pictures: PictureStore
    uploads: Uploads
    budgets: Budgets
    links: LinkedPictures
    writer: ProductWriter | None = None
    """None for a server that only reads."""
    key: Key | None = None
    """What the request came with."""
    address: str = ""
    """Where the request comes from."""

    def admit(self, catalog: str) -> None:
        """Returns where the request's key is for that catalog; ForbiddenToKey."""
        admit_catalog(self.key, catalog)

    def charge(self, work: Work) -> None:
        """Takes the work from what the request's sender has left: its key, else its address; TooMuchWork."""
        if self.key is None:
            self.budgets.charge(f"address {network_of(self.address)}", work)
        else:
            self.budgets.charge(f"key {self.key.id}", work, self.key.rate)

    def charge_search(self, judging: Judging, *, fetches: bool = False) -> None:
        """Takes a search's work, and that of fetching its picture from elsewhere; TooMuchWork."""
        work = Work.of_search(judging, has_judge=self.engine.reranker is not None)
        self.charge(Work(work.units + LINK_UNITS) if fetches else work)


def of_request(request: Request) -> ServerContext:
    """The context that the application was made with, and who sent this request."""
    made = cast(ServerContext, request.app.state.context)
    return replace(made, key=request.scope.get(VISITOR), address=address_of(request))


Context = Annotated[ServerContext, Depends(of_request)]
