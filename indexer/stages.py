"""The three stages of a batch: pictures are read, new ones decoded, then all is encoded and stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

from core.catalog import Catalog, CatalogRow, Reject, VectorRow
from core.describing import Words, vector_rows, words_of
from core.errors import UnreadableImage
from core.pictures import PictureStore
from indexer.preparing import Ready, encoded_pictures, ready_picture
from indexer.reading import ReadPicture, ReadRow, RowReader, picture_reject
from indexer.report import IngestOptions, Tally, Workbench
from indexer.rows import FeedRow, refused

ENCODED_AT_ONCE = 32


class Journal(Protocol):
    """Where it is noted what was done and what was refused."""

    @property
    def run(self) -> int | None:
        """The number under which what is written is stored; None for what is no run."""

    def add(self, rejects: Sequence[Reject]) -> None:
        """Notes what a batch refused."""

    def finish(self, tally: Tally) -> str | None:
        """Fills in how many were refused; the path of the rejects, if there are any."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Threads that wait for files and servers, and threads that compute beside the encoder."""

    reading: ThreadPoolExecutor
    computing: ThreadPoolExecutor


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch whose pictures are being read."""

    size: int
    rejects: list[Reject]
    rows: list[Future[ReadRow]]


@dataclass(frozen=True, slots=True)
class Planned:
    """A batch whose new pictures are being decoded."""

    size: int
    rejects: list[Reject]
    unchanged: list[ReadRow]
    changed: list[tuple[ReadRow, Future[Words]]]
    pictures: dict[str, Future[Ready | UnreadableImage]]


@dataclass(slots=True)
class _Settled:
    """What a batch comes to."""

    rows: list[CatalogRow] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class Stages:
    """Takes the batches of one ingest through its stages, each stage in the feed's order."""

    def __init__(
        self,
        bench: Workbench,
        options: IngestOptions,
        *,
        catalog: Catalog,
        reader: RowReader,
        pools: Pools,
        journal: Journal,
    ) -> None:
        self._bench, self._options = bench, options
        self._catalog, self._reader, self._pools = catalog, reader, pools
        self._pictures = PictureStore(bench.data)
        self._under_way: set[str] = set()
        self._damaged: dict[str, UnreadableImage] = {}
        self._journal, self._run = journal, journal.run
        self.tally = Tally()

    def read(self, batch: Sequence[FeedRow | Reject]) -> Reading:
        """Begins to read the pictures of a batch."""
        rows = [row for row in batch if isinstance(row, FeedRow)]
        rejects = [row for row in batch if isinstance(row, Reject)]
        rejects.extend(problem for row in rows for problem in row.problems)
        stored = self._catalog.row_hashes([row.product.id for row in rows])
        submit = self._pools.reading.submit
        futures = [submit(self._reader.read, row, stored.get(row.product.id)) for row in rows]
        return Reading(len(batch), rejects, futures)

    def plan(self, reading: Reading) -> Planned:
        """Finds what is new in a batch, and begins to decode it."""
        rows = [future.result() for future in reading.rows]
        changed = [row for row in rows if not row.unchanged]
        links = {p.digest: p.link for row in changed for p in row.pictures if p.digest and not p.problem}
        known = self._bench.store.known_vectors(links, self._bench.encoder.fingerprint)
        wanted = links.keys() - known - self._under_way - self._damaged.keys()
        self._under_way |= wanted
        submit, fields = self._pools.computing.submit, self._options.index_fields
        return Planned(
            size=reading.size,
            rejects=reading.rejects,
            unchanged=[row for row in rows if row.unchanged],
            changed=[(r, submit(words_of, r.row.product, self._bench.language, fields)) for r in changed],
            pictures={
                each: submit(ready_picture, each, link, self._pictures, self._bench.encoder)
                for each, link in links.items()
                if each in wanted
            },
        )

    def settle(self, planned: Planned) -> None:
        """Encodes what is new and stores the batch in one transaction; it is there for good then."""
        vectors = list(self._encoded_pictures(planned))
        batch = _Settled(rejects=planned.rejects)
        for read in planned.unchanged:
            self._keep(read, read.pictures, batch)
        for read, words in planned.changed:
            self._settle_row(read, words, batch)
        vectors.extend(self._encoded_texts(batch.texts))
        self._store(batch, vectors)
        self._under_way -= planned.pictures.keys()

    def prune(self) -> None:
        """Removes the products that this run has not met."""
        if self._run is not None:
            self.tally.removed = self._catalog.prune(self._run)

    def finish(self) -> str | None:
        """Closes the run; the path of the rejects, if there are any."""
        for digest in self._damaged:
            self._pictures.discard(digest)
        return self._journal.finish(self.tally)

    def _encoded_pictures(self, planned: Planned) -> Iterator[VectorRow]:
        waiting = list(planned.pictures.items())
        for start in range(0, len(waiting), ENCODED_AT_ONCE):
            good: dict[str, Ready] = {}
            for digest, future in waiting[start : start + ENCODED_AT_ONCE]:
                ready = future.result()
                if isinstance(ready, UnreadableImage):
                    self._damaged[digest] = ready
                else:
                    good[digest] = ready
            if good:
                encoded = encoded_pictures(self._bench.encoder, list(good.values()))
                self.tally.pictures_encoded += len(good)
                yield from vector_rows(list(good), encoded, self._bench.encoder)

    def _encoded_texts(self, texts: dict[str, str]) -> Iterator[VectorRow]:
        known = self._bench.store.known_vectors(texts, self._bench.encoder.fingerprint)
        new = [each for each in texts if each not in known]
        for start in range(0, len(new), ENCODED_AT_ONCE):
            hashes = new[start : start + ENCODED_AT_ONCE]
            encoded = self._bench.encoder.encode_texts([texts[each] for each in hashes])
            yield from vector_rows(hashes, encoded, self._bench.encoder)

    def _settle_row(self, read: ReadRow, words_to_come: Future[Words], batch: _Settled) -> None:
        product = read.row.product
        try:
            words = words_to_come.result()
        except Exception as error:  # one product whose words can't be read must not end the ingest
            reason = f"its words can't be read ({type(error).__name__}: {str(error)[:120]})"
            batch.rejects.append(refused(read.row.line, product.id, "unreadable_text", reason))
            batch.seen.append(product.id)
            return
        pictures = [self._with_damage(picture) for picture in read.pictures]
        row_hash = self._reader.row_hash(product, pictures)
        good = tuple(dict.fromkeys(p.digest for p in pictures if p.digest and p.problem is None))
        sellable = good or (not read.row.is_picture and (product.title or product.description))
        if row_hash == read.stored_hash or not sellable:
            self._keep(read, pictures, batch, unchanged=row_hash == read.stored_hash)
            return
        self._reject_pictures(read, pictures, batch)
        batch.rows.append(CatalogRow(product, words.terms, row_hash, good, words.text_hash))
        if words.text_hash is not None:
            batch.texts[words.text_hash] = words.text

    def _keep(
        self, read: ReadRow, pictures: Sequence[ReadPicture], batch: _Settled, *, unchanged: bool = True
    ) -> None:
        """Leaves the product as the catalog has it, or hasn't it."""
        self._reject_pictures(read, pictures, batch)
        batch.seen.append(read.row.product.id)
        self.tally.unchanged += unchanged

    def _reject_pictures(self, read: ReadRow, pictures: Sequence[ReadPicture], batch: _Settled) -> None:
        for picture in pictures:
            if picture.problem is not None:
                batch.rejects.append(picture_reject(read.row, picture, picture.problem))

    def _with_damage(self, picture: ReadPicture) -> ReadPicture:
        problem = self._damaged.get(picture.digest or "")
        return picture if problem is None else replace(picture, problem=problem)

    def _store(self, batch: _Settled, vectors: Sequence[VectorRow]) -> None:
        if batch.rows or vectors:
            written = self._catalog.write(batch.rows, vectors, run=self._run)
            self.tally.stored += written.stored
            self.tally.updated += written.updated
        if self._options.prune and self._run is not None:
            seen = [*batch.seen, *(r.product_id for r in batch.rejects if r.product_id)]
            self._catalog.mark_seen(seen, self._run)
        batch.rejects.sort(key=lambda reject: reject.line or 0)
        self._journal.add(batch.rejects)
