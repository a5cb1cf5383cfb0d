"""Products that are sent to a running server, taken through the stages of an ingest without a feed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.catalog import Reject
from core.errors import IngestRunning, UnknownCatalog, UnknownProduct
from core.fetch import Fetcher
from core.pictures import PictureStore
from core.publishing import check_catalog_name
from core.settings import Settings
from core.writing import Written
from indexer.feeds import read_entries
from indexer.lock import exclusive
from indexer.pipeline import opened, pools, through
from indexer.reading import RowReader
from indexer.report import INDEX_FIELDS, IngestOptions, Tally, Unwatched, Workbench
from indexer.sources import PictureSources
from indexer.stages import Stages
from indexer.stamp import row_stamp
from search.engine import SearchEngine

FETCH_SECONDS = 10.0
"""For one linked picture; nobody else writes into the catalog meanwhile."""
PATIENCE_SECONDS = 5.0
"""How long one put waits for another, or for the moment of a switch, before it is refused."""
_LOOK_AGAIN_SECONDS = 0.02


def open_writer(settings: Settings, engine: SearchEngine) -> CatalogWriter:
    """The write path of a server with that engine."""
    return CatalogWriter(engine, settings.data)


class CatalogWriter:
    """Puts products into the catalogs of one engine, with the encoder that serves them; see core/writing.py.

    It neither publishes an index, for a running server follows the rows, nor notes a run: what the last ingest
    refused stays what `lychee rejects` shows.
    """

    def __init__(
        self,
        engine: SearchEngine,
        data: Path,
        *,
        fetcher: Fetcher | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._engine, self._data = engine, data
        self._sources = PictureSources(None, fetcher or Fetcher(seconds=FETCH_SECONDS))
        self._patience_seconds = patience_seconds

    def put(self, catalog: str, entries: Sequence[Mapping[str, object]]) -> Written:
        """Adds and updates products; IngestRunning, EncoderSwitched, InvalidQuery, DataFolderProblem."""
        check_catalog_name(catalog)
        with self._held(catalog), pools() as threads:
            bench, options = self._bench(catalog), IngestOptions(catalog, self._index_fields(catalog))
            journal = _Refused()
            reader = RowReader(self._sources, PictureStore(self._data), row_stamp(options.index_fields))
            opened_catalog = opened(bench, options)
            stages = Stages(
                bench, options, catalog=opened_catalog, reader=reader, pools=threads, journal=journal
            )
            through(stages, read_entries(entries), Unwatched(), len(entries))
            stages.finish()
        tally = stages.tally
        return Written(tally.stored, tally.updated, tally.unchanged, tuple(journal.rejects))

    def remove(self, catalog: str, product_id: str) -> None:
        """Removes a product; UnknownCatalog, UnknownProduct, IngestRunning."""
        found = self._engine.store.catalog(catalog)
        with self._held(catalog):
            if not found.remove([product_id]):
                raise UnknownProduct(catalog, product_id)

    @contextmanager
    def _held(self, catalog: str) -> Iterator[None]:
        """Holds the catalog as an ingest does, after a short wait for whoever holds it now."""
        deadline = time.monotonic() + self._patience_seconds
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(exclusive(self._data, catalog))
                    break
                except IngestRunning:
                    if time.monotonic() >= deadline:
                        raise
                    time.sleep(_LOOK_AGAIN_SECONDS)
            yield

    def _bench(self, catalog: str) -> Workbench:
        engine = self._engine
        try:
            serving = engine.served(catalog).now()
            encoder, choice = serving.models.encoder, serving.choice
        except UnknownCatalog:
            encoder, choice = engine.encoder, None
        return Workbench(engine.store, encoder, engine.language, self._data, choice)

    def _index_fields(self, catalog: str) -> tuple[str, ...]:
        """Those that the last ingest chose."""
        try:
            return self._engine.store.catalog(catalog).index_fields
        except UnknownCatalog:
            return INDEX_FIELDS


class _Refused:
    """Keeps the rejects of one put for its answer."""

    run = None

    def __init__(self) -> None:
        self.rejects: list[Reject] = []

    def add(self, rejects: Sequence[Reject]) -> None:
        self.rejects.extend(rejects)

    def finish(self, tally: Tally) -> None:
        tally.rejected = len(self.rejects)
