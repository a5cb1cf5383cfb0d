"""The one place that knows the judge's prompt: the bytes that the checkpoint was trained on, as two sides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rerank.judgement import Asked, Document

SYSTEM = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided. "
    'Note that the answer can only be "yes" or "no".'
)
YES, NO = "yes", "no"
"""The answers, one lower-case token each: "Yes" and "No" are other tokens, which were not trained."""


class Mark(StrEnum):
    """The special tokens that the prompt is built with."""

    START = "<|im_start|>"
    END = "<|im_end|>"
    VISION_START = "<|vision_start|>"
    PICTURE = "<|image_pad|>"
    """Stands for a whole picture here; among the tokens there is one for each of its visual tokens."""
    VISION_END = "<|vision_end|>"


Part = Mark | str
"""A special token, or text in which the tokenizer finds nothing but text."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side's share of the prompt."""

    before: tuple[Part, ...]
    text: str
    """What may be cut from its end where the prompt is too long."""
    after: tuple[Part, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.before, self.text, *self.after)


class PlainText:
    """Takes the power from special tokens in texts that users and feeds write."""

    def __init__(self, special: Iterable[str] = ()) -> None:
        # The longest first: one token may begin with another.
        tokens = sorted({*special, *Mark}, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(token) for token in tokens if len(token) > 1))

    def __call__(self, text: str) -> str:
        """The text, every special token in it parted by a space; half a character becomes a question mark."""
        whole = text.encode("utf-8", "replace").decode("utf-8")
        return self._pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", whole)


def question_side(asked: Asked, plain: PlainText) -> Side:
    """Everything up to the word `<Document`: the same for all documents of one question.

    The tokenizer parts words from signs, so no token spans the end of that word and what follows it: the two
    sides' tokens, put together, are those of the whole prompt.
    """
    before = (
        *(Mark.START, f"system\n{SYSTEM}", Mark.END, "\n", Mark.START),
        f"user\n<Instruct>: {plain(asked.instruction)}<Query>:",
        *_picture(asked.picture is not None),
    )
    return Side(before, plain(question_text(asked)), ("\n<Document",))


def document_side(document: Document, plain: PlainText) -> Side:
    """The rest: the document's picture stands before its text, and what is not there inserts nothing."""
    before = (">:", *_picture(document.picture is not None))
    return Side(before, plain(document.text), (Mark.END, "\n", Mark.START, "assistant\n"))


def question_text(asked: Asked) -> str:
    """The query's words, and in plain words what a document must not be."""
    if not asked.exclude:
        return asked.text
    return f"{asked.text} (not: {', '.join(asked.exclude)})".lstrip()


def rendered(*sides: Side) -> str:
    """The sides as one string, a picture as one placeholder."""
    return "".join(part for side in sides for part in side.parts)


def joined(parts: Sequence[Part]) -> Iterator[Part]:
    """The parts with neighbouring texts as one: a tokenizer must see them whole."""
    text = ""
    for part in parts:
        if not isinstance(part, Mark):
            text += part
            continue
        if text:
            yield text
        text = ""
        yield part
    if text:
        yield text


def _picture(there: bool) -> tuple[Part, ...]:
    return (Mark.VISION_START, Mark.PICTURE, Mark.VISION_END) if there else ()
