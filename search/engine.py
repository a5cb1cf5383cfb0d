"""The search engine: a query and a catalog in, an answer out. To read one file of the read path, read this one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.catalog import Catalog, CatalogStore, StoredProduct
from core.encoder import Encoder
from core.errors import InvalidQuery, UnknownCatalog, UnknownProduct
from core.filters import Filter
from core.language import Language, Understanding
from core.pictures import PictureStore
from core.types import Candidate, Channel, Hit, Product, Query
from rerank.judgement import Reranker
from search.answer import Answer, Stopwatch, Total
from search.judging import AWAITED, NOT_AWAITED, Judging, Recalled, SecondStage
from search.live import LiveCatalog, Snapshot
from search.ordering import Judged
from search.reading import Probe, Reading, encode, filter_of, price_bounds, spoken, understand
from search.recall import DEPTH, recall
from search.second_stage import Considered
from search.window import Found
from search.windows import Cursor, Windows

SORTS = ("relevance", "price_asc", "price_desc")


class SearchEngine:
    """Answers queries over the catalogs of one store; safe for many threads."""

    def __init__(
        self,
        store: CatalogStore,
        encoder: Encoder,
        language: Language,
        *,
        data: Path,
        depth: int = DEPTH,
        reranker: Reranker | None = None,
        judging: Judging | None = None,
        pictures: PictureStore | None = None,
    ) -> None:
        self.store, self.encoder, self.language, self.reranker = store, encoder, language, reranker
        self.judging = judging or Judging()
        """What the second stage may do where a search doesn't say."""
        self.pictures = pictures or PictureStore(data)
        self._data, self._depth = data, depth
        self._second = SecondStage(reranker, encoder, self.pictures)
        self._live: dict[str, LiveCatalog] = {}
        self._lock = threading.Lock()
        self._windows = Windows()

    def search(self, query: Query, catalog_name: str, judging: Judging | None = None) -> Answer:
        """One page of hits, with totals and facets over the same window, in the judge's order."""
        search = self._begin(query, catalog_name)
        claim = self._windows.claim(search.window_name)
        if not claim.is_first:
            return search.answer(claim.window())
        with claim.delivering():
            judged = self._second.judged(self._recalled(search), judging or self.judging)
            search.watch.lap("rerank")
            claim.deliver(judged)
        return search.answer(judged)

    def answers(
        self,
        query: Query,
        catalog_name: str,
        judging: Judging | None = None,
        *,
        over: threading.Event | None = None,
    ) -> Iterator[Answer]:
        """The page in recall's order as soon as there is one, then in the judge's.

        A further page of a window that is judged already comes once. `over` is set by a caller who has gone.
        """
        search, wanted = self._begin(query, catalog_name), judging or self.judging
        claim = self._windows.claim(search.window_name)
        if not claim.is_first:
            yield search.answer(claim.window())
            return
        with claim.delivering():
            recalled = self._recalled(search)
            first = self._second.unjudged(recalled, self._second.skips(wanted) or AWAITED)
        with claim.delivering(fallback=replace(first, report=NOT_AWAITED)):
            yield replace(search.answer(first), is_final=False)
            search.watch.skip()
            judged = self._second.judged(recalled, wanted, over=over)
            search.watch.lap("rerank")
            claim.deliver(judged)
        yield search.answer(judged)

    def considered(self, query: Query, catalog_name: str, depth: int) -> Considered:
        """The best candidates of a query as its judge would get them: for whoever fits or measures one."""
        return self._second.considered(self._recalled(self._begin(query, catalog_name)), depth)

    def similar(self, product_id: str, catalog_name: str, limit: int) -> Answer:
        """Products whose pictures look like that product's; the product itself is left out."""
        return self.search(Query(like=(product_id,), limit=limit), catalog_name)

    def product(self, product_id: str, catalog_name: str) -> StoredProduct:
        """One product; UnknownCatalog, UnknownProduct."""
        return self.store.catalog(catalog_name).get(product_id)

    def live(self, catalog_name: str) -> LiveCatalog:
        """The catalog as it is served, opened on first use."""
        known = self._live.get(catalog_name)
        if known is not None:
            return known
        catalog = self.store.catalog(catalog_name)
        with self._lock:
            if catalog_name not in self._live:
                self._live[catalog_name] = LiveCatalog(catalog, self._data, self.encoder.fingerprint)
            return self._live[catalog_name]

    def _current(self, catalog_name: str) -> tuple[LiveCatalog, Snapshot]:
        """The catalog and its newest state; one that was removed and made anew is opened anew."""
        live = self.live(catalog_name)
        try:
            return live, live.snapshot()
        except UnknownCatalog:
            self._live.pop(catalog_name, None)
            live = self.live(catalog_name)
            return live, live.snapshot()

    def _begin(self, query: Query, catalog_name: str) -> _Search:
        """Checks the query and names what it is asked of."""
        if query.sort not in SORTS:
            raise InvalidQuery(f"sort must be one of {', '.join(SORTS)}, not {query.sort!r}")
        watch = Stopwatch()
        live, snapshot = self._current(catalog_name)
        cursor = Cursor.decode(query.cursor) if query.cursor else Cursor(uuid.uuid4().hex, 0)
        understood = understand(query, self.language)
        return _Search(query, live.catalog, snapshot, cursor, understood, filter_of(query), watch)

    def _recalled(self, search: _Search) -> Recalled:
        query, catalog, understood = search.query, search.catalog, search.understood
        search.watch.skip()
        like = self._like(query.like, catalog) if query.like else None
        words, picture = encode(query, understood, self.encoder, like)
        reading = Reading(understood, words, picture, search.explicit, price_bounds(understood))
        search.watch.lap("encode")
        window = recall(catalog, search.snapshot, reading, self.language, depth=self._depth)
        if query.like:
            window = window.without(list(catalog.keys_of(query.like).values()))
        search.watch.lap("recall")
        return Recalled(query, reading, catalog, window)

    def _like(self, ids: tuple[str, ...], catalog: Catalog) -> Probe:
        """What stands for the named products: the mean of their main pictures; UnknownProduct."""
        keys = catalog.keys_of(ids)
        for product_id in ids:
            if product_id not in keys:
                raise UnknownProduct(catalog.name, product_id)
        wanted = np.array(sorted(keys.values()), dtype=np.int64)
        batches = list(catalog.vectors_of(Channel.PICTURE, self.encoder.fingerprint, wanted))
        if not batches:
            raise InvalidQuery(f"none of {', '.join(ids)} has a picture to search by")
        return Probe.of_products(batches)


@dataclass(frozen=True, slots=True)
class _Search:
    """One search on its way."""

    query: Query
    catalog: Catalog
    snapshot: Snapshot
    cursor: Cursor
    understood: Understanding
    explicit: Filter | None
    watch: Stopwatch

    @property
    def window_name(self) -> str:
        # Under the catalog's name, too: a cursor of one catalog shows nothing of another's window.
        return f"{self.catalog.name}/{self.cursor.query_id}"

    def answer(self, judged: Judged) -> Answer:
        """One page of the window."""
        query, cursor, window = self.query, self.cursor, judged.window
        hits = _hits(self.catalog, judged, cursor.offset, query.limit)
        facets = self.catalog.facets(window.keys, query.facets) if query.facets else {}
        following = Cursor(cursor.query_id, cursor.offset + query.limit)
        return Answer(
            query_id=cursor.query_id,
            hits=hits,
            total=Total(len(window), judged.exact, judged.hidden_below_band, judged.hidden_unjudged),
            facets=facets,
            cursor=following.encode() if following.offset < len(window) else None,
            rerank=judged.report,
            took=self.watch.took(),
            understood=spoken(self.understood),
        )


def _hits(catalog: Catalog, judged: Judged, offset: int, limit: int) -> tuple[Hit, ...]:
    page = judged.window.page(offset, limit)
    recall_ranks = judged.recall_ranks[offset : offset + limit].tolist()
    products = catalog.products([found.key for found in page])
    # A product that was removed after the window was made is a gap, not an error.
    return tuple(
        Hit(_candidate(found, products[found.key]), rank, recall_rank, judged.scores.get(found.key))
        for rank, (found, recall_rank) in enumerate(zip(page, recall_ranks, strict=True), start=offset + 1)
        if found.key in products
    )


def _candidate(found: Found, product: Product) -> Candidate:
    return Candidate(found.key, product, found.similarity, found.channels, found.evidence)
