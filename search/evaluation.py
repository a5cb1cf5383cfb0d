"""Quality of search on judged queries, per kind and language, each query with the fields hidden that it was made of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.catalog import CatalogStore
from core.types import Product
from search.engine import SearchEngine
from search.hiding import copy_hiding
from search.judged import JudgedQuery, engine_query
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


def evaluate(
    engine: SearchEngine,
    catalog: str,
    queries: Sequence[JudgedQuery],
    relevances: Relevances,
    *,
    image_root: Path,
    also_hide: frozenset[str] = frozenset(),
    watch: Callable[[Sequence[JudgedQuery]], Iterable[JudgedQuery]] = iter,
) -> list[Cell]:
    """One cell for each kind and language, in order of first appearance; queries without judgements are left out."""
    judged = [query for query in queries if query.id in relevances]
    found: dict[tuple[str, str], list[Quality]] = {(each.kind, each.lang): [] for each in judged}
    for hidden, group in _by_hidden_fields(judged, also_hide).items():
        with _hiding(engine, catalog, hidden) as searched:
            products = {product.id: product for product in searched.store.catalog(catalog).export()}
            for query in watch(group):
                ranking = _ranking(searched, catalog, query, image_root)
                counted = _counted(ranking, query, relevances[query.id], products)
                found[query.kind, query.lang].append(quality(counted, relevances[query.id]))
    return [Cell(kind, lang, len(each), mean(each)) for (kind, lang), each in found.items()]


def _by_hidden_fields(
    queries: Sequence[JudgedQuery], also_hide: frozenset[str]
) -> dict[frozenset[str], list[JudgedQuery]]:
    groups: dict[frozenset[str], list[JudgedQuery]] = {}
    for query in queries:
        groups.setdefault(frozenset(query.hide_fields) | also_hide, []).append(query)
    return groups


@contextmanager
def _hiding(engine: SearchEngine, catalog: str, hidden: frozenset[str]) -> Iterator[SearchEngine]:
    """An engine over the catalog without the hidden fields: the same code over a copy in a folder of its own."""
    if not hidden:
        yield engine
        return
    with tempfile.TemporaryDirectory(prefix="lychee-eval-") as folder:
        store = CatalogStore.open(f"sqlite:///{folder}/catalog.db")
        try:
            source = engine.store.catalog(catalog)
            copy_hiding(source, store, hidden, encoder=engine.encoder, language=engine.language)
            yield SearchEngine(store, engine.encoder, engine.language, data=Path(folder))
        finally:
            store.close()


def _ranking(engine: SearchEngine, catalog: str, query: JudgedQuery, image_root: Path) -> list[str]:
    answer = engine.search(engine_query(query, image_root, DEPTH), catalog)
    return [hit.candidate.product.id for hit in answer.hits]


def _counted(
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
