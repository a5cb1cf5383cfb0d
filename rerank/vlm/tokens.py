"""A side of the prompt as tokens: pictures take their visual tokens, text that is too long is cut from its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import RerankerProblem
from rerank.vlm.prompt import NO, YES, Mark, Part, PlainText, Side, joined

LONGEST = 3_200
"""Tokens of a whole prompt: what the checkpoint was trained with."""
LONGEST_QUESTION = 2_000
"""Tokens of the question's side, so that a long question leaves room for the document."""
CHARACTERS_A_TOKEN = 16
"""More than any text needs on average: what lies behind can't be read, so it is not tokenized."""


class Tokenizer(Protocol):
    """What is needed of a tokenizer of transformers."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...

    def get_added_vocab(self) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class SideTokens:
    """One side, as the model reads it."""

    ids: tuple[int, ...]
    cut: bool = False
    """Whether text was left out."""


class TooLong(Exception):
    """A side doesn't fit even without its text."""

    def __init__(self, tokens: int, longest: int) -> None:
        super().__init__(f"without its text it takes {tokens:,} tokens of {longest:,}")


class PromptTokens:
    """Turns sides into tokens; whatever a text says, it gives text tokens only."""

    def __init__(self, tokenizer: Tokenizer, *, model: str) -> None:
        self._tokenizer, self._model = tokenizer, model
        added = tokenizer.get_added_vocab()
        if missing := [mark for mark in Mark if mark not in added]:
            raise RerankerProblem(model, f"its tokenizer does not know {', '.join(missing)}")
        self._marks = {mark: added[mark] for mark in Mark}
        self._added = frozenset(added.values())
        self.plain = PlainText(added)
        self.picture = self._marks[Mark.PICTURE]
        self.yes, self.no = self._answer(YES), self._answer(NO)

    def read(self, side: Side, *, visual_tokens: int, longest: int) -> SideTokens:
        """The side's tokens, at most `longest`; TooLong where it is not the text that makes it too long."""
        text = side.text[: longest * CHARACTERS_A_TOKEN]
        ids = self._ids((*side.before, text, *side.after), visual_tokens)
        if len(ids) <= longest:
            return SideTokens(tuple(ids), cut=len(text) < len(side.text))
        before, after = self._ids(side.before, visual_tokens), self._ids(side.after, 0)
        room = longest - len(after)
        if len(before) > room:
            raise TooLong(len(before) + len(after), longest)
        kept = self._ids((*side.before, text), visual_tokens)[:room]
        return SideTokens((*kept, *after), cut=True)

    def _ids(self, parts: Sequence[Part], visual_tokens: int) -> list[int]:
        ids: list[int] = []
        for part in joined(parts):
            if isinstance(part, Mark):
                ids += [self._marks[part]] * (visual_tokens if part is Mark.PICTURE else 1)
            else:
                ids += self._text(part)
        return ids

    def _text(self, text: str) -> list[int]:
        found = self._tokenizer.encode(text, add_special_tokens=False)
        # The texts are plain already: this holds for a tokenizer that finds special tokens in other spellings, too.
        return [token for token in found if token not in self._added]

    def _answer(self, word: str) -> int:
        ids = self._tokenizer.encode(word, add_special_tokens=False)
        if len(ids) != 1:
            raise RerankerProblem(
                self._model, f"its tokenizer splits the answer {word!r} into {len(ids)} tokens"
            )
        return ids[0]
