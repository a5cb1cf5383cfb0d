"""What the judge's page holds: a query, documents on cards, an instruction; from an address or from a sent form."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from api.body_limit import MAX_BODY_BYTES, counted
from api.judging import split_documents
from api.queries import kept
from api.uploads import Uploads
from core.errors import ForgottenPicture, UnreadableImage
from rerank.instructions import PRESETS, preset_of
from web import LANGUAGES

MAX_CARDS = 200
MAX_FIELD_BYTES = 16_000_000
"""Of one text: a whole pool of documents is pasted into one card."""
FIRST_PRESET = next(iter(PRESETS))
_CARD = re.compile(r"(?:text|image|picture)-(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Part:
    """One side as it was typed and sent: words, a picture, or both."""

    text: str = ""
    image: str = ""
    """`upload:<id>` of a picture that was sent."""
    trouble: str = ""
    """Why there is no picture though one was sent: the key of a text."""
    file: str = ""
    """The name of the file that can't be read."""

    @property
    def picture_href(self) -> str:
        """Where the page shows the picture; empty where there is none."""
        return f"/uploads/{self.image.removeprefix('upload:')}" if self.image else ""


@dataclass(frozen=True, slots=True)
class JudgeState:
    """The page's form."""

    query: Part = Part()
    cards: tuple[Part, ...] = (Part(),)
    preset: str = FIRST_PRESET
    instruction: str = PRESETS[FIRST_PRESET].instruction
    lang: str = ""
    """Empty for what the browser prefers."""

    @property
    def documents(self) -> list[Part]:
        """What is to be judged: a card with a picture is one document, another one for each piece between `---`."""
        pieces: list[Part] = []
        for card in self.cards:
            if card.image or card.trouble:
                pieces.append(card)
            else:
                pieces.extend(Part(text) for text in split_documents(card.text))
        return pieces

    def after(self, wish: str) -> JudgeState:
        """This form after one of its own buttons: add, drop-<card>, unpicture-<card>, unpicture-q."""
        verb, _, which = wish.partition("-")
        if verb == "add":
            return replace(self, cards=(*self.cards, Part())[:MAX_CARDS])
        if wish == "unpicture-q":
            return replace(self, query=Part(self.query.text))
        if not which.isdecimal():
            return self
        before, after = self.cards[: int(which)], self.cards[int(which) + 1 :]
        if verb == "drop":
            return replace(self, cards=(before + after) or (Part(),))
        kept_text = tuple(Part(card.text) for card in self.cards[int(which) : int(which) + 1])
        return replace(self, cards=before + kept_text + after)


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form as it arrived; None where it was more than the page takes."""

    fields: FormData | None

    def wish(self) -> str:
        """The button that was pressed: one, all, or what changes the form itself."""
        return self.text("do")

    def text(self, name: str) -> str:
        """One text field."""
        value = self.fields.get(name) if self.fields else None
        return value if isinstance(value, str) else ""

    def part(self, text: str, suffix: str, uploads: Uploads) -> Part:
        """One side; a picture that was sent is kept, in the place of an earlier one."""
        picture = self.fields.get(f"picture{suffix}") if self.fields else None
        earlier = self.text(f"image{suffix}")
        try:
            if isinstance(picture, UploadFile) and picture.filename:
                return Part(text, kept(picture, uploads))
            if earlier:
                uploads.get(earlier.removeprefix("upload:"))
        except UnreadableImage as error:
            return Part(text, trouble="picture_unreadable", file=error.source)
        except ForgottenPicture:
            return Part(text, trouble="picture_forgotten")
        return Part(text, earlier)

    def state(self, uploads: Uploads) -> JudgeState:
        """What the form holds; UnknownPreset."""
        preset = preset_of(self.text("preset") or FIRST_PRESET).name
        numbers = sorted({int(found[1]) for name in self.fields or () if (found := _CARD.fullmatch(name))})
        cards = [self.part(self.text(f"text-{n}"), f"-{n}", uploads) for n in numbers[:MAX_CARDS]]
        lang = self.text("switch") or self.text("lang")
        return JudgeState(
            query=self.part(self.text("q"), "-q", uploads),
            cards=tuple(cards) or (Part(),),
            preset=preset,
            instruction=_instruction(preset, self.text("instruction"), self.text("filled")),
            lang=lang if lang in LANGUAGES else "",
        )


async def sent_form(request: Request) -> AsyncIterator[SentForm]:
    """The form of a request, whose files last as long as the request does."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        yield SentForm(None)
        return
    try:
        bounded = Request(request.scope, counted(request.receive))
        form = await bounded.form(max_files=MAX_CARDS + 1, max_part_size=MAX_FIELD_BYTES)
    except HTTPException:
        yield SentForm(None)
        return
    yield SentForm(form)
    await form.close()


def state_of_address(
    q: str = "",
    document: Annotated[list[str], Query()] = [],  # noqa: B006 FastAPI copies it
    preset: str = FIRST_PRESET,
    instruction: str = "",
    lang: str = "",
) -> JudgeState:
    """The form that an address fills in; it is judged when a button is pressed."""
    known = preset if preset in PRESETS else FIRST_PRESET
    return JudgeState(
        query=Part(q),
        cards=tuple(Part(text) for text in document[:MAX_CARDS]) or (Part(),),
        preset=known,
        instruction=_instruction(known, instruction, ""),
        lang=lang if lang in LANGUAGES else "",
    )


def judge_href(q: str, document: str, preset: str = FIRST_PRESET, lang: str = "") -> str:
    """Where the page is filled in so."""
    named = {"q": q, "document": document, "preset": preset if preset != FIRST_PRESET else "", "lang": lang}
    return f"/rerank?{urlencode({name: value for name, value in named.items() if value})}"


def _instruction(preset: str, written: str, filled: str) -> str:
    """What was written; the preset's own where nothing was, or only another preset's that had been filled in."""
    untouched = filled in PRESETS and filled != preset and written.strip() == PRESETS[filled].instruction
    return PRESETS[preset].instruction if untouched or not written.strip() else written.strip()
