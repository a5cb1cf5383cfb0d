"""The tests' judge: relevance is the share of the query's words that a document has."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.errors import RerankerProblem
from core.types import Check, Score
from rerank.judgement import Asked, Document, Judgement, Unscored


class WordJudge:
    """Counts what it judges; a document that says "unreadable" can't be judged."""

    model = "words@1"
    is_pairwise = True

    def __init__(self, *, micro_batch: int = 8, seconds: float = 0.0, fails_after: int | None = None) -> None:
        self.micro_batch, self.seconds, self.fails_after = micro_batch, seconds, fails_after
        self.judged = 0
        self.instructions: list[str] = []

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        if self.fails_after is not None and self.judged >= self.fails_after:
            raise RerankerProblem(self.model, "it is out of memory")
        time.sleep(self.seconds * len(documents))
        self.judged += len(documents)
        self.instructions.append(asked.instruction)
        return [_judged(asked, document) for document in documents]


def _judged(asked: Asked, document: Document) -> Judgement:
    text = document.text.lower()
    if "unreadable" in text:
        return Unscored("it can't be read")
    words = asked.text.lower().split()
    if not words:
        return Score(float(document.picture is not None))
    checks = tuple(Check("word", word, word in text, 1.0) for word in words)
    refused = any(word.lower() in text for word in asked.exclude)
    return Score(
        0.0 if refused else sum(bool(check.holds) for check in checks) / len(words), checks, ("words",)
    )
