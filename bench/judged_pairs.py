"""Judged pairs of queries and products as the judge gets them: what its calibration is fitted on and measured with."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rerank.judgement import Asked, Document
from search.engine import SearchEngine
from search.evaluation import by_hidden_fields, counted, hiding
from search.judged import JudgedQuery, engine_query, read_queries, read_relevances

LANGUAGES = ("", "en", "zh")
DEPTH = 100
NEAR, FAR = 30, 10
"""Pairs a query: so many of the best in recall's order, and so many of those behind."""


@dataclass(frozen=True, slots=True)
class JudgedPairs:
    """One query with some of its candidates, and which of them are relevant."""

    catalog: str
    query: JudgedQuery
    asked: Asked
    documents: tuple[Document, ...]
    relevant: tuple[bool, ...]

    def alone(self) -> JudgedPairs:
        """The same pairs without what recall and the shop know."""
        bare = tuple(replace(document, evidence=None) for document in self.documents)
        return replace(self, asked=replace(self.asked, best=()), documents=bare)


def is_fitted(query: JudgedQuery) -> bool:
    """Whether the calibration may see it, where it may see the catalog: every other query, by its id."""
    return zlib.crc32(query.id.encode()) % 2 == 0


def judged_pairs(
    engine: SearchEngine, folder: Path, *, most: int | None = None, also_hide: frozenset[str] = frozenset()
) -> Iterator[JudgedPairs]:
    """The pairs of a judged folder, whose catalog has the folder's name; each query with its fields hidden."""
    relevances = read_relevances(folder / "qrels.tsv")
    queries = [
        each
        for each in read_queries(folder / "queries.jsonl")
        if each.lang in LANGUAGES and each.id in relevances
    ]
    for hidden, group in by_hidden_fields(_thinned(queries, most), also_hide).items():
        with hiding(engine, folder.name, hidden) as searched:
            products = {each.id: each for each in searched.store.catalog(folder.name).export()}
            for query in group:
                considered = searched.considered(engine_query(query, folder, DEPTH), folder.name, DEPTH)
                ids = [document.product.id for document in considered.documents if document.product]
                known = set(counted(ids, query, relevances[query.id], products))
                at = [place for place in _taken(len(ids), query.id) if ids[place] in known]
                yield JudgedPairs(
                    folder.name,
                    query,
                    considered.asked,
                    tuple(considered.documents[place] for place in at),
                    tuple(relevances[query.id].get(ids[place], 0) > 0 for place in at),
                )


def _thinned(queries: Sequence[JudgedQuery], most: int | None) -> Sequence[JudgedQuery]:
    if most is None or len(queries) <= most:
        return queries
    return sorted(queries, key=lambda query: zlib.crc32(b"thin" + query.id.encode()))[:most]


def _taken(count: int, query_id: str) -> list[int]:
    """The best, and a sample of the rest that is the same every time."""
    near, rest = list(range(min(NEAR, count))), np.arange(NEAR, count)
    if not len(rest):
        return near
    chance = np.random.default_rng(zlib.crc32(query_id.encode()))
    return near + sorted(chance.choice(rest, min(FAR, len(rest)), replace=False).tolist())
