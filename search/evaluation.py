"""Quality of search on judged queries, per kind and language, each query with the fields hidden that it was made of."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.catalog import CatalogStore
from core.types import Product
from search.answer import Answer
from search.engine import SearchEngine
from search.hiding import copy_hiding
from search.judged import JudgedQuery, engine_query
from search.judging import Judging
from search.measures import Quality, mean, quality

DEPTH = 1_000
"""Ranks that are judged; enough for recall@100 over judged ids only."""
Relevances = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Cell:
    """The mean quality of the queries of one kind and language."""

    kind: str
    lang: str
    queries: int
    quality: Quality
    """Of recall's order."""
    judged: Quality | None = None
    """Of the judge's order; None where nothing was judged."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """How often the second stage ended in each way."""

    @property
    def answered(self) -> Quality:
        """What a shopper gets."""
        return self.judged or self.quality


@dataclass(frozen=True, slots=True)
class _Measured:
    """One query's rankings."""

    recalled: Quality
    judged: Quality
    status: str


def evaluate(
    engine: SearchEngine,
    catalog: str,
    queries: Sequence[JudgedQuery],
    relevances: Relevances,
    *,
    image_root: Path,
    also_hide: frozenset[str] = frozenset(),
    judging: Judging | None = None,
    watch: Callable[[Sequence[JudgedQuery]], Iterable[JudgedQuery]] = iter,
) -> list[Cell]:
    """One cell for each kind and language, in order of first appearance; queries without judgements are left out.

    Recall's order and the judge's are measured over the same candidates. Nobody waits for the answers, so that the
    judge has as long as it takes, unless `judging` says otherwise.
    """
    wanted = judging or replace(engine.judging, budget_ms=None)
    judged = [query for query in queries if query.id in relevances]
    found: dict[tuple[str, str], list[_Measured]] = {(each.kind, each.lang): [] for each in judged}
    for hidden, group in by_hidden_fields(judged, also_hide).items():
        with hiding(engine, catalog, hidden) as searched:
            products = {product.id: product for product in searched.store.catalog(catalog).export()}
            for query in watch(group):
                answers = searched.answers(engine_query(query, image_root, DEPTH), catalog, wanted)
                found[query.kind, query.lang].append(
                    _measured(answers, query, relevances[query.id], products)
                )
    return [_cell(kind, lang, each) for (kind, lang), each in found.items()]


def _measured(
    answers: Iterable[Answer],
    query: JudgedQuery,
    relevances: Mapping[str, int],
    products: Mapping[str, Product],
) -> _Measured:
    recalled, final = answers
    rankings = [counted(_ranking(each), query, relevances, products) for each in (recalled, final)]
    before, after = (quality(ranking, relevances) for ranking in rankings)
    return _Measured(before, after, final.rerank.status)


def _cell(kind: str, lang: str, measured: Sequence[_Measured]) -> Cell:
    statuses = Counter(each.status for each in measured)
    return Cell(
        kind,
        lang,
        len(measured),
        mean([each.recalled for each in measured]),
        None if set(statuses) <= {"skipped"} else mean([each.judged for each in measured]),
        dict(statuses),
    )


def by_hidden_fields(
    queries: Sequence[JudgedQuery], also_hide: frozenset[str]
) -> dict[frozenset[str], list[JudgedQuery]]:
    groups: dict[frozenset[str], list[JudgedQuery]] = {}
    for query in queries:
        groups.setdefault(frozenset(query.hide_fields) | also_hide, []).append(query)
    return groups


@contextmanager
def hiding(engine: SearchEngine, catalog: str, hidden: frozenset[str]) -> Iterator[SearchEngine]:
    """An engine over the catalog without the hidden fields: the same code over a copy in a folder of its own."""
    if not hidden:
        yield engine
        return
    with tempfile.TemporaryDirectory(prefix="lychee-eval-") as folder:
        store = CatalogStore.open(f"sqlite:///{folder}/catalog.db")
        try:
            source = engine.store.catalog(catalog)
            models = engine.served(catalog).now().models
            copy_hiding(source, store, hidden, encoder=models.encoder, language=engine.language)
            yield SearchEngine(
                store,
                models.encoder,
                engine.language,
                data=Path(folder),
                reranker=models.reranker,
                judging=engine.judging,
                # The copy has the products' rows; their pictures are where they were.
                pictures=engine.pictures,
            )
        finally:
            store.close()


def _ranking(answer: Answer) -> list[str]:
    return [hit.candidate.product.id for hit in answer.hits]


def counted(
    ranking: Sequence[str],
    query: JudgedQuery,
    relevances: Mapping[str, int],
    products: Mapping[str, Product],
) -> list[str]:
    """The ids that count: judged ones where only a pool was judged, and never the product whose picture was the query."""
    if query.judged == "pool":
        return [each for each in ranking if each in relevances]
    if query.judged == "pool-category":
        return [each for each in ranking if products[each].category]
    if query.text and query.image:
        return [each for each in ranking if query.image not in products[each].pictures]
    return list(ranking)
