"""A question and a document as the sequence of tokens that the model runs over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.errors import RerankerProblem, UnreadableImage
from rerank.judgement import Asked, Document
from rerank.vlm.prompt import document_side, question_side
from rerank.vlm.tokens import LONGEST, LONGEST_QUESTION, PromptTokens, SideTokens, TooLong
from rerank.vlm.trunk import Sequence3D, Trunk
from rerank.vlm.vision import Seen, Vision


@dataclass(frozen=True, slots=True)
class Question:
    """The side that all pairs of a call share."""

    tokens: SideTokens
    pictures: tuple[Seen, ...]
    key: str
    """Names the tokens and the picture exactly."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A document behind its question."""

    whole: Sequence3D
    shared: int
    """So many of the tokens, from the first on, are the question's."""
    shared_pictures: int
    cut: bool
    """Whether text of either side was left out."""

    @property
    def head(self) -> Sequence3D:
        """What is the same for all documents of the question."""
        whole, pictures = self.whole, self.whole.pictures[: self.shared_pictures]
        return Sequence3D(whole.ids[: self.shared], whole.places[:, : self.shared], pictures)

    @property
    def tail(self) -> Sequence3D:
        """What is the document's own."""
        whole, pictures = self.whole, self.whole.pictures[self.shared_pictures :]
        return Sequence3D(whole.ids[self.shared :], whole.places[:, self.shared :], pictures)


class Pairing:
    """Reads both sides of a pair."""

    def __init__(self, tokens: PromptTokens, vision: Vision, trunk: Trunk, *, model: str) -> None:
        self._tokens, self._vision, self._trunk, self._model = tokens, vision, trunk, model

    def question(self, asked: Asked) -> Question:
        """The question's side; RerankerProblem where no document can be judged by it."""
        try:
            # A shopper's picture is not written to the disk.
            pictures = () if asked.picture is None else (self._vision.see(asked.picture, keep=False),)
            side = question_side(asked, self._tokens.plain)
            tokens = self._tokens.read(side, visual_tokens=_visual(pictures), longest=LONGEST_QUESTION)
        except UnreadableImage as error:
            raise RerankerProblem(self._model, f"the query's picture is refused: {error.reason}") from error
        except TooLong as error:
            reason = f"the instruction, with the query's picture, is too long: {error}"
            raise RerankerProblem(self._model, reason) from error
        named = repr((tokens.ids, asked.picture and asked.picture.hash)).encode()
        return Question(tokens, pictures, hashlib.blake2b(named, digest_size=16).hexdigest())

    def pair(self, question: Question, document: Document) -> Pair:
        """The document behind the question; UnreadableImage and TooLong concern this document alone."""
        keep = document.product is not None
        pictures = () if document.picture is None else (self._vision.see(document.picture, keep=keep),)
        side, shared = document_side(document, self._tokens.plain), question.tokens.ids
        room = LONGEST - len(shared)
        tokens = self._tokens.read(side, visual_tokens=_visual(pictures), longest=room)
        ids, both = (*shared, *tokens.ids), (*question.pictures, *pictures)
        whole = Sequence3D(ids, self._trunk.places(ids, both), both)
        return Pair(whole, len(shared), len(question.pictures), question.tokens.cut or tokens.cut)


def _visual(pictures: tuple[Seen, ...]) -> int:
    return sum(picture.tokens for picture in pictures)
