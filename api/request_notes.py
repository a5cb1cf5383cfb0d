"""What is noted of a request while it is answered, for its log line and for the metrics: its id, its searches."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from search.answer import Answer

REQUEST_ID = "X-Request-Id"


@dataclass(frozen=True, slots=True)
class Searched:
    """One search of a request, answered."""

    answer: Answer
    catalog: str
    words: str
    """What was asked in words."""


class Trace(Protocol):
    """The trace that a request is part of, where it is part of one."""

    @property
    def trace_id(self) -> str:
        """As the log says it, to be found there again."""

    def searched(self, searched: Searched) -> None:
        """Notes a search that has ended, with its stages."""


@dataclass(slots=True)
class RequestNotes:
    """The notes of one request; threads that work for it add to the same."""

    request_id: str
    searched: list[Searched] = field(default_factory=list)
    trace: Trace | None = None


NOTES: ContextVar[RequestNotes | None] = ContextVar("notes", default=None)
"""Of the request that is being answered."""


def noted(answer: Answer, catalog: str, words: str) -> Answer:
    """The same answer, noted; one that comes ahead of the judge's is not."""
    notes = NOTES.get()
    if notes is not None and answer.is_final:
        searched = Searched(answer, catalog, words)
        notes.searched.append(searched)
        if notes.trace is not None:
            notes.trace.searched(searched)
    return answer
