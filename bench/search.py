"""Speed and recall of whole searches, metadata included, beside the same code on FAISS's plain exact index.

    python -m bench.search            500,000 made-up products (bench/synthetic.py says how they are made)
    python -m bench.search --quick    fewer of them, under a minute
    python -m bench.search --json     {"p95_ms", "recall100", "speedup_vs_exact"} and nothing else

The two engines share one catalog and answer the same queries in turns, one at a time; each answer is a hundred
products, read from the catalog. Only the index differs: ours, and faiss.IndexFlatIP over float32.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.synthetic import Floats, QueryNumbers, SyntheticShop, catalog_rows
from core.catalog import Catalog, CatalogStore
from core.language import Language
from core.publishing import index_folder
from core.types import Channel, Query, VectorBatch
from core.vector_index import VectorIndex
from search.engine import SearchEngine

CATALOG = "synthetic"
ANSWERED = 100
ROWS_A_WRITE = 5_000
WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is."""

    products: int
    dim: int
    queries: int
    compared: int
    """Queries that the exact engine answers, too."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run measured; times in milliseconds."""

    build_seconds: float
    quick_ms: NDArray[np.float64]
    exact_ms: NDArray[np.float64]
    recall100: float

    @property
    def p95_ms(self) -> float:
        return float(np.quantile(self.quick_ms, 0.95))

    @property
    def speedup_vs_exact(self) -> float:
        """Searches a second against searches a second, over the queries that both answered."""
        return float(self.exact_ms.mean() / self.quick_ms[: len(self.exact_ms)].mean())


def main() -> None:
    """Runs the measurement that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer products, under a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--products", type=int, help="how many products")
    parser.add_argument("--dim", type=int, default=512, help="length of the vectors")
    asked = parser.parse_args()
    products = asked.products or (40_000 if asked.quick else 500_000)
    size = Size(products, asked.dim, *((200, 100) if asked.quick else (600, 200)))
    with tempfile.TemporaryDirectory(prefix="lychee-bench-") as folder:
        figures = measure(size, Path(folder))
    if asked.json:
        print(json.dumps({name: round(getattr(figures, name), 3) for name in _ASKED}))
    else:
        print(table(size, figures))


_ASKED = ("p95_ms", "recall100", "speedup_vs_exact")


def measure(size: Size, folder: Path) -> Figures:
    """Makes the shop, both indexes and both engines, and lets them answer in turns."""
    shop = SyntheticShop.open(dim=size.dim)
    encoder = QueryNumbers(shop.queries(next(shop.vectors(size.products)), size.queries))
    store = CatalogStore.open(f"sqlite:///{folder / 'catalog.db'}")
    try:
        catalog = _filled(store, size.products)
        started = time.perf_counter()
        _publish(folder / "quick", catalog, shop, size, exact=False)
        built = time.perf_counter() - started
        _publish(folder / "exact", catalog, shop, size, exact=True)
        language = Language.load()
        quick = SearchEngine(store, encoder, language, data=folder / "quick")
        exact = SearchEngine(store, encoder, language, data=folder / "exact")
        return _compared(quick, exact, size, built)
    finally:
        store.close()


def _compared(quick: SearchEngine, exact: SearchEngine, size: Size, built: float) -> Figures:
    _note("searching")
    for number in range(WARM_UP):
        _answer(quick, number)
        _answer(exact, number)
    quick_ms, exact_ms, recalls = [], [], []
    for number in range(size.queries):
        found, took = _answer(quick, number)
        quick_ms.append(took)
        if number < size.compared:
            right, took = _answer(exact, number)
            exact_ms.append(took)
            recalls.append(len(found & right) / len(right))
    return Figures(built, np.array(quick_ms), np.array(exact_ms), float(np.mean(recalls)))


def _answer(engine: SearchEngine, number: int) -> tuple[set[str], float]:
    started = time.perf_counter()
    answer = engine.search(Query(image=QueryNumbers.picture(number), limit=ANSWERED), CATALOG)
    took = 1000 * (time.perf_counter() - started)
    return {hit.candidate.product.id for hit in answer.hits}, took


def _filled(store: CatalogStore, products: int) -> Catalog:
    _note(f"writing {products:,} products")
    catalog = store.create(CATALOG, index_fields=("title",))
    rows = catalog_rows(products)
    while batch := list(islice(rows, ROWS_A_WRITE)):
        catalog.write(batch)
    return catalog


def _publish(data: Path, catalog: Catalog, shop: SyntheticShop, size: Size, *, exact: bool) -> None:
    _note(f"building the {'exact' if exact else 'quick'} index")
    keys = catalog.changed_since(0)
    for channel in (Channel.PICTURE, Channel.TEXT):
        VectorIndex.publish(
            index_folder(data, CATALOG, channel),
            _keyed(shop, keys) if channel is Channel.PICTURE else (),
            fingerprint=f"synthetic@{size.dim}",
            revision=catalog.revision(),
            exact=exact,
        )


def _keyed(shop: SyntheticShop, keys: NDArray[np.int64]) -> Iterator[VectorBatch]:
    """The shop's vectors under the keys that the catalog gave its products."""
    first = 0
    for vectors in shop.vectors(len(keys)):
        batch: Floats = vectors
        yield VectorBatch(keys[first : first + len(batch)], batch, None, np.ones(len(batch), np.float32))
        first += len(batch)


def table(size: Size, figures: Figures) -> str:
    """The figures, one a line."""
    rows = [
        ("products", f"{size.products:,} x {size.dim}"),
        ("index build", f"{figures.build_seconds:.1f} s, vectors made included"),
        ("search p50 / p95", f"{np.median(figures.quick_ms):.2f} / {figures.p95_ms:.2f} ms"),
        (
            "exact p50 / p95",
            f"{np.median(figures.exact_ms):.2f} / {np.quantile(figures.exact_ms, 0.95):.2f} ms",
        ),
        ("recall@100 of exact", f"{figures.recall100:.4f}"),
        ("searches a second vs exact", f"{figures.speedup_vs_exact:.1f}x"),
    ]
    return "\n".join(f"{name:<28}{value}" for name, value in rows)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
