"""What a filter costs a whole search, metadata included, and whether the nearest products come through it.

    python -m bench.filters            500,000 made-up products, filters that keep 50 %, 5 %, 0.5 % and 0.05 %
    python -m bench.filters --quick    50,000 of them, about a minute
    python -m bench.filters --json     the figures alone

Every query is asked without a filter and with each of them in turns. `first` is the first time that a process is asked
that filter, with nothing of it remembered: each time by a store and an engine that were opened anew. Recall is
measured against every product that passes, compared one by one with numpy.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if not __package__:  # python bench/filters.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.search import CATALOG, Size, filled, note, publish, read_once
from bench.synthetic import SHARES, Floats, Integers, QueryNumbers, SyntheticShop
from bench.table import print_json, print_table
from core.catalog import Catalog, CatalogStore
from core.filters import parse_filter
from core.language import Language
from core.types import Query
from search.engine import SearchEngine
from search.opening import keep_loaded

NEAREST = 10
WARM_UP = 20
OPENED_ANEW = 9
"""Times that each filter is asked for the first time."""
FILTERS = {f"{100 / values:g} %": f"{name} = '{name} 1'" for name, values in SHARES.items()}
"""Filters by what they keep."""
UNFILTERED = "all"
ASKED = {UNFILTERED: "", **FILTERS}

Milliseconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run measured, by what the filter keeps."""

    again: Mapping[str, Milliseconds]
    first: Mapping[str, Milliseconds]
    recall10: Mapping[str, float]

    def times(self, kept: str) -> tuple[float, float]:
        """How many times the median of an unfiltered search a filtered one takes: again, and at first."""
        usual = float(np.median(self.again[UNFILTERED]))
        return float(np.median(self.again[kept])) / usual, float(np.median(self.first[kept])) / usual

    def plain(self) -> dict[str, object]:
        """For `--json`."""
        return {kept: self._plain(kept) for kept in ASKED}

    def _plain(self, kept: str) -> dict[str, float]:
        quantiles = {
            f"{name}p{part}_ms": float(np.quantile(measured[kept], part / 100))
            for name, measured in (("", self.again), ("first_", self.first))
            for part in (50, 95)
        }
        again, first = self.times(kept)
        figures = {**quantiles, "times": again, "first_times": first, "recall10": self.recall10[kept]}
        return {name: round(figure, 4) for name, figure in figures.items()}


def main() -> None:
    """Runs the measurement that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer products, about a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--products", type=int, help="how many products")
    parser.add_argument("--dim", type=int, default=768, help="length of the vectors")
    asked = parser.parse_args()
    queries = 60 if asked.quick else 200
    size = Size(asked.products or (50_000 if asked.quick else 500_000), asked.dim, queries, queries)
    with tempfile.TemporaryDirectory(prefix="lychee-bench-") as folder:
        figures = measure(size, Path(folder))
    if asked.json:
        print_json(figures.plain())
    else:
        _print(size, figures)


def measure(size: Size, folder: Path) -> Figures:
    """Makes the shop and its index, and asks."""
    shop = SyntheticShop.open(dim=size.dim)
    encoder = QueryNumbers(shop.queries(next(shop.vectors(size.products)), size.queries + WARM_UP))
    url = f"sqlite:///{folder / 'catalog.db'}"
    store = CatalogStore.open(url)
    try:
        catalog = filled(store, size.products)
        publish(folder, catalog, shop, size, exact=False)
        read_once(folder)
        nearest = _nearest(shop, encoder.vectors[: size.queries], catalog)
        language = Language.load()
        engine = SearchEngine(store, encoder, language, data=folder)
        keep_loaded()
        again, recall10 = _asked_again(engine, size, nearest)
        return Figures(again, _asked_first(url, encoder, language, folder), recall10)
    finally:
        store.close()


def _asked_again(
    engine: SearchEngine, size: Size, nearest: Mapping[str, Integers]
) -> tuple[dict[str, Milliseconds], dict[str, float]]:
    note("searching with filters that were asked before")
    took = {kept: np.empty(size.queries) for kept in ASKED}
    found = {kept: np.zeros(size.queries) for kept in ASKED}
    for number in range(size.queries, size.queries + WARM_UP):
        for expression in ASKED.values():
            _ask(engine, number, expression)
    for number in range(size.queries):
        for kept, expression in ASKED.items():
            keys, took[kept][number] = _ask(engine, number, expression)
            found[kept][number] = len(keys & {*nearest[kept][number].tolist()}) / NEAREST
    return took, {kept: float(shares.mean()) for kept, shares in found.items()}


def _asked_first(
    url: str, encoder: QueryNumbers, language: Language, folder: Path
) -> dict[str, Milliseconds]:
    note("searching with filters that nothing is known of")
    took = {kept: np.empty(OPENED_ANEW) for kept in ASKED}
    for turn in range(OPENED_ANEW):
        for kept, expression in ASKED.items():
            store = CatalogStore.open(url)
            try:
                engine = SearchEngine(store, encoder, language, data=folder)
                for number in range(5):
                    _ask(engine, number, "")
                _, took[kept][turn] = _ask(engine, 5 + turn, expression)
            finally:
                store.close()
    return took


def _ask(engine: SearchEngine, number: int, expression: str) -> tuple[set[int], float]:
    query = Query(image=QueryNumbers.picture(number), filter=expression, limit=NEAREST)
    started = time.perf_counter()
    answer = engine.search(query, CATALOG)
    took = 1000 * (time.perf_counter() - started)
    return {hit.candidate.key for hit in answer.hits}, took


def _nearest(shop: SyntheticShop, queries: Floats, catalog: Catalog) -> dict[str, Integers]:
    """The keys of the nearest products that pass each filter, a row a query."""
    note("comparing every product with every query")
    every = catalog.changed_since(0)
    passing = {kept: _passing(catalog, expression, every) for kept, expression in ASKED.items()}
    keys = {kept: np.full((len(queries), NEAREST), -1, np.int64) for kept in ASKED}
    cosines = {kept: np.full((len(queries), NEAREST), -2.0, np.float32) for kept in ASKED}
    first = 0
    for vectors in shop.vectors(len(every)):
        rows = slice(first, first + len(vectors))
        similar = queries @ vectors.T
        for kept in ASKED:
            chosen = np.flatnonzero(passing[kept][rows])
            both = np.concatenate((cosines[kept], similar[:, chosen]), axis=1)
            named = np.concatenate(
                (keys[kept], np.broadcast_to(every[rows][chosen], similar[:, chosen].shape)), 1
            )
            best = np.argpartition(both, -NEAREST, axis=1)[:, -NEAREST:]
            cosines[kept] = np.take_along_axis(both, best, 1)
            keys[kept] = np.take_along_axis(named, best, 1)
        first += len(vectors)
    return keys


def _passing(catalog: Catalog, expression: str, every: Integers) -> NDArray[np.bool_]:
    tree = parse_filter(expression)
    return np.ones(len(every), np.bool_) if tree is None else catalog.matching(tree).contains(every)


def _print(size: Size, figures: Figures) -> None:
    rows = []
    for kept in ASKED:
        quantiles = [
            f"{np.quantile(measured[kept], part):.2f}"
            for measured in (figures.again, figures.first)
            for part in (0.5, 0.95)
        ]
        times = [f"{each:.2f}" for each in figures.times(kept)]
        rows.append((kept, *quantiles, *times, f"{figures.recall10[kept]:.4f}"))
    header = ("p50 ms", "p95", "first p50", "first p95", "times", "first times", "recall@10")
    print_table((f"{size.products:,} x {size.dim}", *header), rows)


if __name__ == "__main__":
    main()
