"""Ingest: a feed goes through the stages in overlapping batches; at the end the index is published."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict

from core.catalog import Catalog, Reject
from core.errors import EncoderSwitched
from core.pictures import PictureStore
from core.publishing import VECTOR_CHANNELS, check_catalog_name, publish_changes
from indexer.catching_up import CatchingUp
from indexer.feeds import Feed
from indexer.lock import exclusive
from indexer.overlap import ahead
from indexer.reading import RowReader
from indexer.reject_log import RejectLog
from indexer.report import IngestOptions, IngestReport, Unwatched, Watch, Workbench
from indexer.rows import FeedRow
from indexer.sources import PictureSources
from indexer.stages import Pools, Stages
from indexer.stamp import row_stamp

BATCH = 64
"""Rows, and pictures, of one transaction: about a second's work, which is what an interruption waits for."""
FIRST_BATCH = 8
READERS = 6
NO_PRODUCT = "nothing was removed: the feed has no product that can be read"

Row = FeedRow | Reject


def ingest(
    feed: Feed,
    bench: Workbench,
    options: IngestOptions,
    *,
    watch: Watch | None = None,
    sources: PictureSources | None = None,
) -> IngestReport:
    """Adds and updates the feed's products; the same call again changes nothing and encodes nothing.

    What a batch stored is there for good when the next one begins; a call that was broken off, at any point
    and in any way, is finished by the next one. Raises IngestRunning, EncoderSwitched, DataFolderProblem.
    """
    watch, started = watch or Unwatched(), time.perf_counter()
    check_catalog_name(options.catalog)
    with exclusive(bench.data, options.catalog), pools() as threads:
        catalog = opened(bench, options)
        stamp = row_stamp(options.index_fields)
        reader = RowReader(sources or PictureSources(feed.root), PictureStore(bench.data), stamp)
        journal = RejectLog(bench.data, catalog)
        stages = Stages(bench, options, catalog=catalog, reader=reader, pools=threads, journal=journal)
        try:
            interrupted = through(stages, feed.rows(options.limit), watch, feed.total)
            notes = () if interrupted else _prune(stages, options)
            interrupted = interrupted or not _complete(stages, bench, catalog, watch)
            if not interrupted:
                _publish(bench, catalog, watch)
            rejects_file = stages.finish()
        finally:
            journal.close()
    return IngestReport(
        **asdict(stages.tally),
        seconds=round(time.perf_counter() - started, 3),
        rejects_file=rejects_file,
        interrupted=interrupted,
        notes=notes,
    )


@contextmanager
def pools() -> Iterator[Pools]:
    """The threads of one ingest."""
    reading = ThreadPoolExecutor(READERS, thread_name_prefix="read")
    computing = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="compute")
    try:
        yield Pools(reading, computing)
    finally:
        for pool in (reading, computing):
            pool.shutdown(wait=True, cancel_futures=True)


def through(stages: Stages, rows: Iterator[Row], watch: Watch, total: int | None) -> bool:
    """Takes all batches through; True where the watch ended it early.

    While one batch is encoded the pictures of the next are decoded and those of the one after it are read.
    """
    watch.begin(total)
    reading = ahead(map(stages.read, _batches(rows)))
    for planned in ahead(map(stages.plan, reading)):
        if watch.stopping():
            return True
        stages.settle(planned)
        watch.advance(planned.size)
    return False


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    # The first ones are small, so that the encoder soon has something to do.
    batch: list[Row] = []
    pictures, size = 0, FIRST_BATCH
    for row in rows:
        batch.append(row)
        pictures += len(row.links) if isinstance(row, FeedRow) else 0
        if len(batch) >= size or pictures >= size:
            yield batch
            batch, pictures, size = [], 0, min(BATCH, size * 2)
    if batch:
        yield batch


def opened(bench: Workbench, options: IngestOptions) -> Catalog:
    """The catalog to write into, which the bench's encoder must be in force for; EncoderSwitched."""
    catalog = bench.store.create(options.catalog, index_fields=options.index_fields)
    encoders = catalog.encoding.encoders()
    if encoders.choice != bench.choice:
        raise EncoderSwitched(catalog.name, str(encoders.choice))
    if encoders.fingerprint not in (None, bench.encoder.fingerprint):
        # What is written from here on has vectors of this encoder alone.
        catalog.encoding.note(None)
    return catalog


def _prune(stages: Stages, options: IngestOptions) -> tuple[str, ...]:
    if options.prune and not (stages.tally.stored or stages.tally.updated or stages.tally.unchanged):
        # An export that broke off must not empty a shop.
        return (NO_PRODUCT,)
    if options.prune:
        stages.prune()
    return ()


def _complete(stages: Stages, bench: Workbench, catalog: Catalog, watch: Watch) -> bool:
    """Encodes what the catalog has beside the feed, where that isn't done; False where the watch ended it early."""
    fingerprint = bench.encoder.fingerprint
    if catalog.encoding.encoders().fingerprint == fingerprint:
        return True
    catching_up = CatchingUp(bench, catalog, watch)
    done = catching_up.encode(catalog.encoding.missing(fingerprint), in_force=True)
    stages.tally.pictures_encoded += catching_up.pictures
    if done:
        catalog.encoding.note(fingerprint)
    return done


def _publish(bench: Workbench, catalog: Catalog, watch: Watch) -> None:
    watch.publishing()
    for channel in VECTOR_CHANNELS:
        publish_changes(bench.data, catalog, channel, bench.encoder.fingerprint)
