"""Remembers how a document was judged against a question, so that the same pair is judged once."""

from __future__ import annotations

from collections.abc import Sequence

from core.recent import Recent
from core.types import Score
from rerank.judgement import Asked, Document, Judgement

KEPT_PAIRS = 20_000
"""Some 20 MB: the last 400 searches at the usual depth."""


class PairCache:
    """Scores by judge, question and document; safe for many threads."""

    def __init__(self, kept: int = KEPT_PAIRS) -> None:
        self._scores: Recent[tuple[str, str, str], Score] = Recent(kept)

    def __len__(self) -> int:
        return len(self._scores)

    @property
    def found(self) -> int:
        """Pairs that were asked for and known."""
        return self._scores.found

    @property
    def missed(self) -> int:
        """Pairs that were asked for and had to be judged."""
        return self._scores.missed

    def scores(self, model: str, asked: Asked, documents: Sequence[Document]) -> list[Score | None]:
        """What that very judge said of each document, None where it has not been asked."""
        question = asked.fingerprint
        return [self._scores.get((model, question, document.fingerprint)) for document in documents]

    def keep(
        self, model: str, asked: Asked, documents: Sequence[Document], judgements: Sequence[Judgement]
    ) -> None:
        """Remembers the scores; what could not be judged may be judged another time."""
        question = asked.fingerprint
        for document, judgement in zip(documents, judgements, strict=True):
            if isinstance(judgement, Score):
                self._scores.keep((model, question, document.fingerprint), judgement)
