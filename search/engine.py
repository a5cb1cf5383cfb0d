"""The search engine: a query and a catalog in, an answer out. To read one file of the read path, read this one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.catalog import Catalog, CatalogStore, StoredProduct
from core.database_errors import DatabaseReplaced
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
from search.models import Loaded, LoadModels, Shelf, no_others
from search.ordering import Judged
from search.reading import Probe, Reading, encode, filter_of, price_bounds, spoken, understand
from search.recall import DEPTH, recall
from search.second_stage import Considered
from search.serving import ServedCatalog, Serving
from search.window import Found
from search.windows import Cursor, Windows

SORTS = ("relevance", "price_asc", "price_desc")


class SearchEngine:
    """Answers queries over the catalogs of one store; safe for many threads."""

    def __init__(  # noqa: PLR0913 the parts that servers, benches and tests put together differently
        self,
        store: CatalogStore,
        encoder: Encoder,
        language: Language,
        *,
        data: Path,
        depth: int = DEPTH,
        reranker: Reranker | None = None,
        load: LoadModels = no_others,
        judging: Judging | None = None,
        pictures: PictureStore | None = None,
        device: str = "cpu",
        windows: Windows | None = None,
    ) -> None:
        """`device` as in the settings: what the indexes may be searched on."""
        self.store, self.language = store, language
        self.encoder, self.reranker = encoder, reranker
        """What the settings say; a catalog may have others, which `load` brings."""
        self.judging = judging or Judging()
        """What the second stage may do where a search doesn't say."""
        self.pictures = pictures or PictureStore(data)
        self._data, self._depth, self._device = data, depth, device
        self._shelf = Shelf(Loaded(encoder, reranker), load, self.pictures)
        self._served: dict[tuple[int, str], ServedCatalog] = {}
        self._lock = threading.Lock()
        self._windows = windows or Windows()

    def search(self, query: Query, catalog_name: str, judging: Judging | None = None) -> Answer:
        """One page of hits, with totals and facets over the same window, in the judge's order."""
        search = self._begin(query, catalog_name)
        claim = self._windows.claim(search.window_name)
        if not claim.is_first:
            return search.answer(claim.window())
        with claim.delivering():
            judged = search.second.judged(self._recalled(search), judging or self.judging)
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
            first = search.second.unjudged(recalled, search.second.skips(wanted) or AWAITED)
        with claim.delivering(fallback=replace(first, report=NOT_AWAITED)):
            yield replace(search.answer(first), is_final=False)
            search.watch.skip()
            judged = search.second.judged(recalled, wanted, over=over)
            search.watch.lap("rerank")
            claim.deliver(judged)
        yield search.answer(judged)

    def considered(self, query: Query, catalog_name: str, depth: int) -> Considered:
        """The best candidates of a query as its judge would get them: for whoever fits or measures one."""
        search = self._begin(query, catalog_name)
        return search.second.considered(self._recalled(search), depth)

    def similar(self, product_id: str, catalog_name: str, limit: int) -> Answer:
        """Products whose pictures look like that product's; the product itself is left out."""
        return self.search(Query(like=(product_id,), limit=limit), catalog_name)

    def product(self, product_id: str, catalog_name: str) -> StoredProduct:
        """One product; UnknownCatalog, UnknownProduct."""
        return self.store.catalog(catalog_name).get(product_id)

    def served(self, catalog_name: str) -> ServedCatalog:
        """The catalog as it is served, opened on first use, with its models loaded."""
        known = self._served.get((self.store.incarnation, catalog_name))
        if known is not None:
            return known
        catalog = self.store.catalog(catalog_name)
        place = (self.store.incarnation, catalog_name)
        with self._lock:
            if place not in self._served:
                served = ServedCatalog(catalog, self._data, self._shelf, device=self._device)
                still = {each: known for each, known in self._served.items() if each[0] == place[0]}
                self._served = still | {place: served}
            return self._served[place]

    def live(self, catalog_name: str) -> LiveCatalog:
        """The catalog's indexes as they are served."""
        return self.served(catalog_name).now().live

    def _current(self, catalog_name: str) -> tuple[Serving, Snapshot]:
        """What serves the catalog, in its newest state; one that was removed and made anew is opened anew."""
        try:
            serving = self.served(catalog_name).now()
            return serving, serving.live.snapshot()
        except (UnknownCatalog, DatabaseReplaced):
            self._served.pop((self.store.incarnation, catalog_name), None)
            serving = self.served(catalog_name).now()
            return serving, serving.live.snapshot()

    def _begin(self, query: Query, catalog_name: str) -> _Search:
        """Checks the query and names what it is asked of."""
        if query.sort not in SORTS:
            raise InvalidQuery(f"sort must be one of {', '.join(SORTS)}, not {query.sort!r}")
        watch = Stopwatch()
        serving, snapshot = self._current(catalog_name)
        cursor = Cursor.decode(query.cursor) if query.cursor else Cursor(uuid.uuid4().hex, 0)
        understood = understand(query, self.language)
        return _Search(query, serving, snapshot, cursor, understood, filter_of(query), watch)

    def _recalled(self, search: _Search) -> Recalled:
        query, catalog, understood = search.query, search.catalog, search.understood
        search.watch.skip()
        like = _like(query.like, catalog, search.encoder.fingerprint) if query.like else None
        words, picture = encode(query, understood, search.encoder, like)
        reading = Reading(understood, words, picture, search.explicit, price_bounds(understood))
        search.watch.lap("encode")
        window = recall(catalog, search.snapshot, reading, self.language, depth=self._depth)
        if query.like:
            window = window.without(list(catalog.keys_of(query.like).values()))
        search.watch.lap("recall")
        return Recalled(query, reading, catalog, window)


@dataclass(frozen=True, slots=True)
class _Search:
    """One search on its way."""

    query: Query
    serving: Serving
    snapshot: Snapshot
    """Of what serves: the query is encoded by the encoder that made its vectors."""
    cursor: Cursor
    understood: Understanding
    explicit: Filter | None
    watch: Stopwatch

    @property
    def catalog(self) -> Catalog:
        return self.serving.live.catalog

    @property
    def encoder(self) -> Encoder:
        return self.serving.models.encoder

    @property
    def second(self) -> SecondStage:
        return self.serving.models.second

    @property
    def window_name(self) -> str:
        # Under the catalog's name, too: a cursor of one catalog shows nothing of another's window.
        return f"{self.catalog.name}/{self.cursor.query_id}"

    def answer(self, judged: Judged) -> Answer:
        """One page of the window."""
        query, cursor, window = self.query, self.cursor, judged.window
        self.watch.skip()
        hits = _hits(self.catalog, judged, cursor.offset, query.limit)
        facets = self.catalog.facets(window.keys, query.facets) if query.facets else {}
        self.watch.lap("metadata")
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


def _like(ids: tuple[str, ...], catalog: Catalog, fingerprint: str) -> Probe:
    """What stands for the named products: the mean of their main pictures; UnknownProduct."""
    keys = catalog.keys_of(ids)
    for product_id in ids:
        if product_id not in keys:
            raise UnknownProduct(catalog.name, product_id)
    wanted = np.array(sorted(keys.values()), dtype=np.int64)
    batches = list(catalog.vectors_of(Channel.PICTURE, fingerprint, wanted))
    if not batches:
        raise InvalidQuery(f"none of {', '.join(ids)} has a picture to search by")
    return Probe.of_products(batches)
