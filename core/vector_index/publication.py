"""Publishing: new segments written, old ones kept or merged, and all of it made current at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.types import Keys, VectorBatch
from core.vector_index.files import HIDDEN, link_segment, new_generation, new_segment, publishing
from core.vector_index.manifest import FileCheck, Manifest, SegmentFacts
from core.vector_index.native import use_all_processors
from core.vector_index.published import Published, mapped_rows, open_current
from core.vector_index.quick import Effort, QuickIndex
from core.vector_index.rows import RowTable, Shape
from core.vector_index.search import NO_KEYS, Part, counting
from core.vector_index.segment import Segment
from core.vector_index.tuning import Tuned, tuned
from core.vector_index.writing import Making, RowFiles, finish_segment, write_rows

GROWTH = 4
"""A segment is merged with newer ones once those have a quarter of its rows: few segments, few rewrites."""
MOSTLY_HIDDEN = 0.25
MERGED_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class Changes:
    """What has happened to a catalog since a revision."""

    batches: Iterable[VectorBatch]
    """All vectors of the products that are new or changed, in key order."""
    gone: Keys
    """Ascending keys of what was removed or changed; ones that are in the batches may be among them."""
    revision: int
    """What the catalog has come to."""


ChangesSince = Callable[[int], Changes]
"""Reads what has changed after a revision."""


def publish_anew(
    folder: Path, batches: Iterable[VectorBatch], *, fingerprint: str, revision: int, making: Making
) -> None:
    """Makes the batches the current generation; the old one stays in force until the last byte is synced."""
    with publishing(folder), new_generation(folder) as generation:
        made = _Made(generation, making)
        made.add(batches)
        made.close(fingerprint, revision)


def publish_changes(folder: Path, changes_since: ChangesSince, *, fingerprint: str, making: Making) -> None:
    """Adds what has changed to the current generation, merging segments where there are too many.

    Raises as `open_current` does: where there is nothing sound to add to, publish anew. BlockingIOError for one who is
    to be gentle while somebody else publishes: most of it will have been done then.
    """
    with publishing(folder, waits=not making.gently):
        current = open_current(folder, fingerprint=fingerprint, opened={})
        changes = changes_since(current.manifest.revision)
        if changes.revision == current.manifest.revision:
            return
        with new_generation(folder) as generation:
            made = _Made(generation, replace(making, recall=current.manifest.recall), current.manifest.shape)
            made.change(current, changes)
            made.close(fingerprint, changes.revision)


def tune(folder: Path, recall: float, *, fingerprint: str, making: Making) -> list[Tuned]:
    """Measures how hard searches must look for a recall, on vectors of the index, and has them do so from now on.

    One finding for each segment of codes; what is scanned exactly needs none. Raises as `open_current` does.
    """
    use_all_processors()
    with publishing(folder):
        current = open_current(folder, fingerprint=fingerprint, opened={})
        found = [
            tuned(
                part,
                quick,
                making.sampled(part.rows.keys, part.rows.halves),
                recall,
                index_bytes=current.facts_of(part).index_bytes,
            )
            for part in current.parts
            if isinstance(quick := part.segment.quick, QuickIndex) and not quick.exact
        ]
        with new_generation(folder) as generation:
            made = _Made(generation, replace(making, recall=recall), current.manifest.shape)
            for part in current.parts:
                made.keep(current, part, {each.name: each.effort for each in found}.get(part.segment.name))
            made.close(fingerprint, current.manifest.revision)
    return found


class _Made:
    """A generation under construction."""

    def __init__(self, generation: Path, making: Making, shape: Shape | None = None) -> None:
        self._generation, self._making, self._shape = generation, making, shape
        self._segments: list[SegmentFacts] = []
        self._hidden: dict[str, FileCheck] = {}

    def add(self, batches: Iterable[VectorBatch]) -> None:
        """A segment of the batches' rows."""
        folder = new_segment(self._generation)
        self._finish(folder, write_rows(folder, batches, self._shape))

    def change(self, current: Published, changes: Changes) -> None:
        """The current parts less what is gone, and what is new, in as few segments as is cheap."""
        staged = new_segment(self._generation)
        files = write_rows(staged, changes.batches, self._shape)
        fresh = Part.of(Segment.in_memory(mapped_rows(staged, files.shape, files.count)), NO_KEYS)
        gone = np.union1d(changes.gone, fresh.rows.keys)
        parts = [part for part in (part.hiding(gone) for part in current.parts) if part.count]
        merged = _worth_merging(parts, fresh.count)
        for part in parts:
            if part not in merged:
                self.keep(current, part)
        if merged:
            self.add(_joined([fresh, *merged]))
            shutil.rmtree(staged)
        else:
            self._finish(staged, files)

    def keep(self, current: Published, part: Part, effort: Effort | None = None) -> None:
        """A segment as it is, searched with another effort if one is given."""
        name, facts = part.segment.name, current.facts_of(part)
        link_segment(current.generation / name, self._generation)
        self._segments.append(replace(facts, effort=effort or facts.effort))
        if len(part.hidden):
            path = self._generation / f"{HIDDEN}{name}.npy"
            np.save(path, part.hidden)
            self._hidden[path.name] = FileCheck.of(path)

    def close(self, fingerprint: str, revision: int) -> None:
        """Writes what the generation says of itself: the last file."""
        dim, feature_dim = self._shape or (0, 0)
        Manifest(
            fingerprint=fingerprint,
            dim=dim,
            feature_dim=feature_dim,
            revision=revision,
            recall=self._making.recall,
            segments=tuple(self._segments),
            hidden=self._hidden,
        ).write(self._generation)

    def _finish(self, folder: Path, files: RowFiles) -> None:
        if not files.count:
            shutil.rmtree(folder)
            return
        self._shape = files.shape
        self._segments.append(finish_segment(folder, files, self._making))


def _worth_merging(parts: Sequence[Part], new_rows: int) -> list[Part]:
    """The parts that are small beside what is new, one after the other, and those of which little is left."""
    chosen, rows = [], new_rows
    for part in sorted(parts, key=lambda part: part.count):
        hollow = part.count < (1.0 - MOSTLY_HIDDEN) * len(part.rows)
        if part.count <= GROWTH * rows or hollow:
            chosen.append(part)
            rows += part.count
    return chosen


def _joined(parts: Sequence[Part]) -> Iterator[VectorBatch]:
    """The rows of the parts that count, in key order; a product's rows are all in one part."""
    live = [np.flatnonzero(counting(part.rows, part.hidden)) for part in parts]
    keys = np.concatenate([part.rows.keys[rows] for part, rows in zip(parts, live, strict=True)])
    origin = np.repeat(np.arange(len(parts)), [len(rows) for rows in live])
    order = np.argsort(keys, kind="stable")
    rows = np.concatenate(live)[order]
    keys, origin = keys[order], origin[order]
    for first in range(0, len(keys), MERGED_ROWS):
        stretch = slice(first, first + MERGED_ROWS)
        tables = [part.rows.taken(rows[stretch][origin[stretch] == n]) for n, part in enumerate(parts)]
        yield RowTable.joined(tables).batch
