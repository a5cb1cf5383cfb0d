"""Judges a list best-first in micro-batches while there is time, and answers in time whatever the judge does."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import LycheeError, RerankerProblem
from rerank.judgement import Asked, Document, Judgement, Reranker
from rerank.pair_cache import KEPT_PAIRS, PairCache

TURNS = 16
"""Lists that are judged at the same time; also the most threads that a judge which hangs can hold."""
EXIT_SECONDS = 5.0
"""How long the end of the process waits for a micro-batch that nobody waits for any more."""
GIVEN_UP = "the search was given up"
UNFORESEEN = "the judge failed in a way that nobody foresaw; the log says more"
log = logging.getLogger("lychee.rerank")


@dataclass(frozen=True, slots=True)
class Budget:
    """How long judging may take, counted from when this was made."""

    milliseconds: int | None = None
    """None for as long as it takes."""
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float | None:
        """Seconds, never below 0; None without a bound."""
        if self.milliseconds is None:
            return None
        return max(0.0, self.began + self.milliseconds / 1000 - time.monotonic())

    def allows(self, seconds: float) -> bool:
        """Whether something that takes so long would still end in time."""
        left = self.left
        return left is None or (left > 0 and seconds <= left)


@dataclass(frozen=True, slots=True)
class Staged:
    """How far the judge came."""

    judgements: tuple[Judgement | None, ...]
    """In input order; None for what was not reached."""
    reason: str | None = None
    """Why not all were reached; None where all were."""


class Stage:
    """Brings lists of many searches before one judge; safe for many threads."""

    def __init__(self, reranker: Reranker, pairs: PairCache | None = None, *, turns: int = TURNS) -> None:
        self.reranker = reranker
        self.pairs = PairCache(KEPT_PAIRS if reranker.is_pairwise else 0) if pairs is None else pairs
        self._count = turns
        self._turns = threading.BoundedSemaphore(turns)
        self._lock = threading.Lock()
        self._overdue = 0
        # A thread that is torn down amid a network's computation may take the process with it.
        weakref.finalize(self, _let_end, self._turns, turns)

    def judge(
        self,
        asked: Asked,
        documents: Sequence[Document],
        budget: Budget,
        *,
        over: threading.Event | None = None,
    ) -> Staged:
        """What the judge says of the documents within the budget; never raises for what the judge does.

        Pairs that were judged before cost nothing. `over` is set by a caller who no longer wants the answer.
        """
        run = _Run(self, asked, documents, budget, over or threading.Event())
        if not run.waiting:
            return run.staged()
        if budget.milliseconds is None:
            run.work()
            return run.staged()
        return self._in_time(run, budget)

    def _in_time(self, run: _Run, budget: Budget) -> Staged:
        if self._overdue >= self._count:
            return run.staged(f"the judge has not come back from {self._count} earlier searches")
        if not self._turns.acquire(timeout=budget.left):
            return run.staged(f"the judge was busy with {self._count} other searches")
        threading.Thread(target=self._work, args=(run,), name="judge", daemon=True).start()
        in_time = run.over.wait(budget.left)
        with self._lock:
            if run.ended:
                return run.staged()
            run.is_overdue = True
            self._overdue += 1
        run.over.set()
        return run.staged(GIVEN_UP if in_time else run.too_late())

    def _work(self, run: _Run) -> None:
        try:
            run.work()
        finally:
            with self._lock:
                run.ended = True
                self._overdue -= run.is_overdue
            self._turns.release()
            run.over.set()


class _Run:
    """One list before the judge. One thread works on it, another may read how far it has come."""

    def __init__(
        self,
        stage: Stage,
        asked: Asked,
        documents: Sequence[Document],
        budget: Budget,
        over: threading.Event,
    ) -> None:
        self._stage, self._asked, self._documents, self._budget = stage, asked, documents, budget
        self.over = over
        """Set once nobody waits any more: all is judged, the time is spent, or the caller has gone."""
        self.ended = False
        self.is_overdue = False
        self._problem: str | None = None
        known = stage.pairs.scores(stage.reranker.model, asked, documents)
        self._judgements: list[Judgement | None] = list(known)
        self.waiting = [at for at, score in enumerate(known) if score is None]

    def staged(self, reason: str | None = None) -> Staged:
        """How far it has come."""
        return Staged(tuple(self._judgements), reason or self._problem)

    def too_late(self) -> str:
        """The sentence for a budget that is spent."""
        return f"the {self._budget.milliseconds} ms for judging were spent"

    def work(self) -> None:
        """Judges micro-batch after micro-batch; a problem ends it and is kept as a sentence."""
        try:
            self._work()
        except LycheeError as error:
            self._problem = str(error)
        except Exception:
            self._problem = UNFORESEEN
            if not self.over.is_set():
                log.exception("reranker %s failed", self._stage.reranker.model)

    def _work(self) -> None:
        step = max(1, self._stage.reranker.micro_batch)
        began = time.monotonic()
        for start in range(0, len(self.waiting), step):
            places = self.waiting[start : start + step]
            # At the speed so far; nothing is known of the first, which is begun while there is any time.
            seconds = (time.monotonic() - began) / start * len(places) if start else 0.0
            if self.over.is_set():
                self._problem = GIVEN_UP
                return
            if not self._budget.allows(seconds):
                self._problem = self.too_late()
                return
            self._judge(places)

    def _judge(self, places: Sequence[int]) -> None:
        documents = [self._documents[place] for place in places]
        reranker = self._stage.reranker
        judgements = reranker.score(self._asked, documents)
        if len(judgements) != len(documents):
            reason = f"it answered {len(judgements)} judgements for {len(documents)} documents"
            raise RerankerProblem(reranker.model, reason)
        # What comes too late for this search serves the next.
        self._stage.pairs.keep(reranker.model, self._asked, documents, judgements)
        for place, judgement in zip(places, judgements, strict=True):
            self._judgements[place] = judgement


def _let_end(turns: threading.BoundedSemaphore, count: int) -> None:
    """Waits until no thread has a turn."""
    give_up = time.monotonic() + EXIT_SECONDS
    for _ in range(count):
        if not turns.acquire(timeout=max(0.0, give_up - time.monotonic())):
            return
