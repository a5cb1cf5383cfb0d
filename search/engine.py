"""The search engine: a query and a catalog in, an answer out. To read one file of the read path, read this one."""

from __future__ import annotations

import threading
import time
import uuid
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
from search.answer import Answer, Timings, Total
from search.live import LiveCatalog, Snapshot
from search.reading import Probe, Reading, encode, filter_of, price_bounds, spoken, understand
from search.recall import DEPTH, recall
from search.second_stage import Considered, asked_of, documents_of, picture_of
from search.window import Found, Window
from search.windows import Cursor, Windows

SORTS = ("relevance", "price_asc", "price_desc")
FIT_SHARE = 0.6
"""A product fits well enough to be sorted by its price when its evidence is this share of the best one's."""


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
        pictures: PictureStore | None = None,
    ) -> None:
        self.store, self.encoder, self.language, self.reranker = store, encoder, language, reranker
        self.pictures = pictures or PictureStore(data)
        self._data, self._depth = data, depth
        self._live: dict[str, LiveCatalog] = {}
        self._lock = threading.Lock()
        self._windows = Windows()

    def search(self, query: Query, catalog_name: str) -> Answer:
        """One page of hits, with totals and facets over the same window."""
        if query.sort not in SORTS:
            raise InvalidQuery(f"sort must be one of {', '.join(SORTS)}, not {query.sort!r}")
        started = time.perf_counter()
        live, snapshot = self._current(catalog_name)
        cursor = Cursor.decode(query.cursor) if query.cursor else Cursor(uuid.uuid4().hex, 0)
        # Under the catalog's name, too: a cursor of one catalog shows nothing of another's window.
        kept = f"{catalog_name}/{cursor.query_id}"
        understood = understand(query, self.language)
        explicit = filter_of(query)
        window = self._windows.get(kept)
        encoded = time.perf_counter()
        if window is None:
            reading = self._read(query, understood, explicit, live.catalog)
            encoded = time.perf_counter()
            window = self._recall(query, live.catalog, snapshot, reading)
            self._windows.keep(kept, window)
        recalled = time.perf_counter()
        hits = _hits(live.catalog, window, cursor.offset, query.limit)
        more = cursor.offset + query.limit < len(window)
        return Answer(
            query_id=cursor.query_id,
            hits=hits,
            total=Total(len(window), window.exact),
            facets=live.catalog.facets(window.keys, query.facets) if query.facets else {},
            cursor=Cursor(cursor.query_id, cursor.offset + query.limit).encode() if more else None,
            took=_timings(started, encoded, recalled),
            understood=spoken(understood),
        )

    def considered(self, query: Query, catalog_name: str, depth: int) -> Considered:
        """The best candidates of a query as its judge would get them: for whoever fits or measures one."""
        live, snapshot = self._current(catalog_name)
        reading = self._read(query, understand(query, self.language), filter_of(query), live.catalog)
        return self._considered(
            query, live.catalog, reading, self._recall(query, live.catalog, snapshot, reading), depth
        )

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

    def _considered(
        self, query: Query, catalog: Catalog, reading: Reading, window: Window, depth: int
    ) -> Considered:
        best = window.page(0, depth)
        documents = documents_of(catalog, window.keys[:depth], self.encoder, self.pictures)
        liked = None
        if query.like and query.image is None:
            liked = picture_of(catalog.get(query.like[0]), self.pictures)
        # A product that was removed a moment ago can't be judged.
        found = tuple(each for each in best if each.key in documents)
        asked = asked_of(query, reading, self.encoder.fingerprint, liked=liked)
        return Considered(asked, tuple(documents[each.key] for each in found), found)

    def _read(
        self, query: Query, understood: Understanding, explicit: Filter | None, catalog: Catalog
    ) -> Reading:
        like = self._like(query.like, catalog) if query.like else None
        words, picture = encode(query, understood, self.encoder, like)
        return Reading(understood, words, picture, explicit, price_bounds(understood))

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

    def _recall(self, query: Query, catalog: Catalog, snapshot: Snapshot, reading: Reading) -> Window:
        window = recall(catalog, snapshot, reading, self.language, depth=self._depth)
        if query.like:
            window = window.without(list(catalog.keys_of(query.like).values()))
        return window if query.sort == "relevance" else _by_price(catalog, window, query.sort)


def _by_price(catalog: Catalog, window: Window, sort: str) -> Window:
    """What fits by price, then the rest of the window in recall's order; no price comes last both ways."""
    prices = catalog.prices(window.keys)
    known = np.array([prices.get(key, np.inf) for key in window.keys.tolist()])
    if sort == "price_desc":
        known = np.where(np.isinf(known), known, -known)
    fused = window.candidates.fused
    fits = fused >= FIT_SHARE * fused.max(initial=0.0)
    return window.reordered(np.lexsort((np.where(fits, known, 0.0), ~fits)))


def _hits(catalog: Catalog, window: Window, offset: int, limit: int) -> tuple[Hit, ...]:
    page = window.page(offset, limit)
    products = catalog.products([found.key for found in page])
    # A product that was removed after the window was made is a gap, not an error.
    return tuple(
        Hit(_candidate(found, products[found.key]), rank, recall_rank=rank)
        for rank, found in enumerate(page, start=offset + 1)
        if found.key in products
    )


def _candidate(found: Found, product: Product) -> Candidate:
    return Candidate(found.key, product, found.similarity, found.channels, found.evidence)


def _timings(started: float, encoded: float, recalled: float) -> Timings:
    now = time.perf_counter()
    return Timings(
        encode=1000 * (encoded - started), recall=1000 * (recalled - encoded), total=1000 * (now - started)
    )
