"""What the address of the search page says: the page's whole state, there and back."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form
from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator

from core.types import MAX_LIMIT, Band
from search.engine import SORTS
from web import LANGUAGES

PAGE = 24
"""Hits that a page shows at first, and that `show more` adds."""


def _shown(value: object) -> int:
    """A number of hits that a page can show; an address that was tampered with shows the first page."""
    wanted = int(str(value)) if str(value).isdecimal() else PAGE
    return max(PAGE, min(wanted, MAX_LIMIT))


class PageState(BaseModel):
    """One state of the page; what has its default is left out of the address."""

    model_config = ConfigDict(frozen=True)

    q: str = ""
    image: str = ""
    """`upload:<id>` of a picture that was sent."""
    like: str = ""
    """Id of the product that stands for the picture."""
    filter: str = ""
    catalog: str = ""
    """Empty for the shop's main catalog."""
    sort: str = SORTS[0]
    min_band: str = ""
    """`medium` hides what the judge says doesn't fit; empty hides nothing."""
    shown: Annotated[int, BeforeValidator(_shown)] = PAGE
    lang: str = ""
    """Empty for what the browser prefers."""

    @field_validator("lang")
    @classmethod
    def _known_language(cls, lang: str) -> str:
        return lang if lang in LANGUAGES else ""

    @field_validator("min_band")
    @classmethod
    def _known_band(cls, band: str) -> str:
        return band if band in (Band.MEDIUM, Band.HIGH) else ""

    @property
    def href(self) -> str:
        """The address of this state."""
        named = self.model_dump(exclude_defaults=True)
        return f"/?{urlencode(named)}" if named else "/"

    @property
    def asks(self) -> bool:
        """Whether there is anything to search for."""
        return bool(self.q.strip() or self.image or self.like)

    def but(self, **changes: object) -> PageState:
        """This state with some parts changed, from the first hit on."""
        return self.model_copy(update={"shown": PAGE, **changes})

    def bare(self, **parts: object) -> PageState:
        """A new question in the same catalog and language."""
        return PageState(catalog=self.catalog, lang=self.lang).but(**parts)


def state_of_form(
    q: Annotated[str, Form()] = "",
    image: Annotated[str, Form()] = "",
    like: Annotated[str, Form()] = "",
    filter: Annotated[str, Form()] = "",  # noqa: A002 the contract's name
    catalog: Annotated[str, Form()] = "",
    sort: Annotated[str, Form()] = SORTS[0],
    min_band: Annotated[str, Form()] = "",
    lang: Annotated[str, Form()] = "",
) -> PageState:
    """The state that a sent form asks for."""
    return PageState(
        q=q, image=image, like=like, filter=filter, catalog=catalog, sort=sort, min_band=min_band, lang=lang
    )


def preferred_language(accepted: str) -> str:
    """The first of our languages that an Accept-Language header names, by its weights; else English."""
    weighed = []
    for part in accepted.lower().split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((float(weight or 1), name[:2]))
        except ValueError:
            continue
    wanted = [name for weight, name in sorted(weighed, key=lambda each: -each[0]) if weight > 0]
    return next((name for name in wanted if name in LANGUAGES), LANGUAGES[0])
