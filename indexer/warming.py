"""Has the judge look at a catalog's pictures ahead of the searches, so that none of them waits for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from core.catalog import Catalog
from core.command import note
from core.errors import UnreadableImage
from core.pictures import PictureStore
from rerank.judgement import Picture
from search.second_stage import picture_of

_SECONDS_A_LINE = 10.0


@runtime_checkable
class LookingAhead(Protocol):
    """A judge that keeps what it saw of a picture."""

    def warm(self, picture: Picture) -> None:
        """Looks at a product's picture, unless it has; UnreadableImage."""


@dataclass(frozen=True, slots=True)
class Warmed:
    """How many products' pictures the judge knows now, and how many it can't look at."""

    seen: int
    unreadable: int


def warm_judge(judge: LookingAhead, catalog: Catalog, pictures: PictureStore) -> Warmed:
    """Looks at the main picture of every product; broken off, the same call goes on where it was."""
    seen = unreadable = 0
    total, next_line = catalog.counts().products, time.monotonic() + _SECONDS_A_LINE
    for stored in catalog.stored():
        # The picture that a search shows the judge, decoded in the same way.
        picture = picture_of([stored], pictures)
        if picture is None:
            continue
        try:
            judge.warm(picture)
            seen += 1
        except UnreadableImage:
            unreadable += 1
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + _SECONDS_A_LINE
            note(f"the judge has looked at {seen:,} pictures of {total:,} products")
    return Warmed(seen, unreadable)
