"""The second stage of a search: a window of recall's in, the same window as the judge orders it out."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.catalog import Catalog, StoredProduct
from core.encoder import Encoder
from core.pictures import PictureStore
from core.recent import Recent
from core.types import Band, Query
from rerank.staging import Budget, Stage
from search.answer import RerankReport
from search.ordering import Judged
from search.reading import Reading
from search.second_stage import Considered, asked_of, documents_of, picture_of
from search.window import Window

BEST = 5
"""Candidates that a judge is shown as what recall holds to be the best."""
KEPT_TEXTS = 4_096
"""Texts of products as a judge reads them: some 10 MB."""
AWAITED = RerankReport("skipped", reason="this is recall's order; the judged order follows")
"""Of the answer that comes before the judge's."""
NOT_AWAITED = RerankReport("skipped", reason="nobody waited for the judge")
"""Of further pages of such an answer."""


@dataclass(frozen=True, slots=True)
class Judging:
    """What the second stage may do for a search."""

    enabled: bool = True
    depth: int = 50
    """Candidates that are judged."""
    budget_ms: int | None = 1_500
    """None for as long as it takes."""
    min_band: Band | None = None
    """What is judged to be less is not shown."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What recall found for a query."""

    query: Query
    reading: Reading
    catalog: Catalog
    window: Window


class SecondStage:
    """Has the best of a window judged; fails open: without a judgement recall's order stands. Safe for many threads."""

    def __init__(self, stage: Stage | None, encoder: Encoder, pictures: PictureStore) -> None:
        self._stage, self._encoder, self._pictures = stage, encoder, pictures
        self._texts: Recent[str, str] = Recent(KEPT_TEXTS)

    def skips(self, judging: Judging) -> RerankReport | None:
        """Why nothing will be judged; None where something will."""
        if not judging.enabled:
            return RerankReport("skipped", reason="the search asked for recall's order")
        return RerankReport("skipped", reason="no reranker is set up") if self._stage is None else None

    def considered(self, recalled: Recalled, depth: int) -> Considered:
        """The best candidates as the judge gets them; one that was removed a moment ago can't be judged."""
        catalog, window = recalled.catalog, recalled.window
        documents = documents_of(
            catalog, window.keys[: max(depth, BEST)], self._encoder, self._pictures, texts=self._texts
        )
        liked = picture_of(_liked(recalled), self._pictures)
        asked = asked_of(recalled.query, recalled.reading, self._encoder.fingerprint, liked=liked)
        # However few are judged, the best are the same, and with them every score.
        found = tuple(each for each in window.page(0, max(depth, BEST)) if each.key in documents)
        weighed = tuple(replace(documents[each.key], evidence=each.evidence) for each in found)
        return Considered(replace(asked, best=weighed[:BEST]), weighed[:depth], found[:depth])

    def unjudged(self, recalled: Recalled, report: RerankReport) -> Judged:
        """The window in the order that it has without a judge, with the reason for that."""
        return _ordered(Judged.of_recall(recalled.window, report), recalled)

    def judged(self, recalled: Recalled, judging: Judging, *, over: threading.Event | None = None) -> Judged:
        """The window in the answer's order; `over` is set by a caller who no longer wants it."""
        return _ordered(self._scored(recalled, judging, over), recalled).at_least(judging.min_band)

    def _scored(self, recalled: Recalled, judging: Judging, over: threading.Event | None) -> Judged:
        if self._stage is None or not judging.enabled:
            return Judged.of_recall(recalled.window, self.skips(judging) or AWAITED)
        budget = Budget(judging.budget_ms)
        considered = self.considered(recalled, judging.depth)
        staged = self._stage.judge(considered.asked, considered.documents, budget, over=over)
        keys = [found.key for found in considered.found]
        judged = Judged.of_recall(recalled.window, AWAITED)
        return judged.with_judgements(keys, staged, self._stage.reranker.model)


def _ordered(judged: Judged, recalled: Recalled) -> Judged:
    """As the query wants it sorted."""
    sort = recalled.query.sort
    if sort == "relevance":
        return judged.by_relevance()
    prices = recalled.catalog.prices(recalled.window.keys)
    return judged.by_price(prices, descending=sort == "price_desc")


def _liked(recalled: Recalled) -> Iterable[StoredProduct]:
    """The products that stand for the query's picture, in the order in which it names them."""
    keys = recalled.catalog.keys_of(recalled.query.like)
    return recalled.catalog.by_keys([keys[each] for each in recalled.query.like if each in keys]).values()
