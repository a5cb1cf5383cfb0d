"""From judgements to the answer's order: what the judge put on top, what is hidden, and what is honest to say of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.types import Band, Score
from rerank.judgement import Unscored
from rerank.staging import Staged
from search.answer import RerankReport, RerankStatus
from search.window import Window

FIT_SHARE = 0.6
"""A product that was not judged fits well enough to be sorted by its price when its evidence is this share of the
best one's."""
_BANDS = (Band.LOW, Band.MEDIUM, Band.HIGH)


@dataclass(frozen=True, slots=True)
class Judged:
    """A window in the answer's order: what pages, totals and facets are counted over."""

    window: Window
    recall_ranks: NDArray[np.int64]
    """Of each row of the window; 1 is recall's first."""
    report: RerankReport
    scores: Mapping[int, Score] = field(default_factory=dict)
    """By product key."""
    hidden_below_band: int = 0
    hidden_unjudged: int = 0

    @classmethod
    def of_recall(cls, window: Window, report: RerankReport) -> Judged:
        """The window as recall left it."""
        return cls(window, np.arange(1, len(window) + 1), report)

    @property
    def exact(self) -> bool:
        """Whether the window holds all that there is to show."""
        return self.window.exact and not self.hidden_unjudged

    def taken(self, rows: NDArray[np.int64]) -> Judged:
        """Some of the rows, in a new order."""
        return replace(self, window=self.window.reordered(rows), recall_ranks=self.recall_ranks[rows])

    def with_judgements(self, keys: Collection[int], staged: Staged, model: str) -> Judged:
        """With what the judge said of some products."""
        scores = {
            key: judgement
            for key, judgement in zip(keys, staged.judgements, strict=True)
            if isinstance(judgement, Score)
        }
        return replace(self, scores=scores, report=report_of(staged, model))

    def by_relevance(self) -> Judged:
        """The scored ones, best first, then all others in recall's order, which also breaks ties."""
        relevance = np.array([self._relevance(key) for key in self.window.keys.tolist()])
        return self.taken(np.argsort(-relevance, kind="stable"))

    def by_price(self, prices: Mapping[int, float], *, descending: bool) -> Judged:
        """What fits by price, then the rest in recall's order; no price comes last both ways."""
        known = np.array([prices.get(key, np.inf) for key in self.window.keys.tolist()])
        if descending:
            known = np.where(np.isinf(known), known, -known)
        fits = self._fits()
        return self.taken(np.lexsort((np.where(fits, known, 0.0), ~fits)))

    def at_least(self, band: Band | None) -> Judged:
        """Without what was judged below the band, and without what nobody judged: that can't be said to reach it.

        Where nothing at all was judged, nothing is hidden, and the report says so.
        """
        if band is None or band is Band.LOW:
            return self
        if not self.scores:
            reason = f"{self.report.reason}; without judgements min_band hides nothing"
            return replace(self, report=replace(self.report, reason=reason))
        least = _BANDS.index(band)
        known = [self.scores.get(key) for key in self.window.keys.tolist()]
        shown = [at for at, score in enumerate(known) if score and _BANDS.index(score.band) >= least]
        unjudged = sum(score is None for score in known)
        return replace(
            self.taken(np.array(shown, dtype=np.int64)),
            hidden_below_band=len(known) - len(shown) - unjudged,
            hidden_unjudged=unjudged,
        )

    def _relevance(self, key: int) -> float:
        score = self.scores.get(key)
        return -1.0 if score is None else score.relevance

    def _fits(self) -> NDArray[np.bool_]:
        """What is judged at least medium; of the others, what recall has enough evidence for."""
        fused = self.window.candidates.fused
        fits = fused >= FIT_SHARE * fused.max(initial=0.0)
        for at, key in enumerate(self.window.keys.tolist()):
            if (score := self.scores.get(key)) is not None:
                fits[at] = score.band is not Band.LOW
        return np.asarray(fits, dtype=np.bool_)


def report_of(staged: Staged, model: str) -> RerankReport:
    """How the second stage went, in counts and a sentence."""
    of = len(staged.judgements)
    scored = sum(isinstance(judgement, Score) for judgement in staged.judgements)
    if not of:
        return RerankReport("skipped", reason="there is nothing to judge", model=model)
    status: RerankStatus = "full" if scored == of else "partial" if scored else "failed"
    return RerankReport(status, scored, of, staged.reason or _unscored(staged), model)


def _unscored(staged: Staged) -> str | None:
    reasons = [judgement.reason for judgement in staged.judgements if isinstance(judgement, Unscored)]
    if not reasons:
        return None
    return f"{len(reasons)} could not be judged; the first: {reasons[0]}"
