"""Speed and recall of whole searches, metadata included, beside the same code on FAISS's plain exact index.

    python -m bench.search            500,000 made-up products (bench/synthetic.py says how they are made)
    python -m bench.search --quick    fewer of them, under a minute
    python -m bench.search --json     {"p95_ms", "recall100", "speedup_vs_exact"} and nothing else

The two engines share one catalog and answer the same queries in turns, two hundred at a time; each answer is a hundred
products, read from the catalog. Only the index differs: ours, and faiss.IndexFlatIP over float32. All files are
read once before, as they are in a server that has been up for a while.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if not __package__:  # python bench/search.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.synthetic import Floats, QueryNumbers, SyntheticShop, catalog_rows
from bench.table import print_json, print_table
from core.catalog import Catalog, CatalogStore
from core.language import Language
from core.publishing import index_folder
from core.types import Channel, Query, VectorBatch
from core.vector_index import Making, VectorIndex
from search.engine import SearchEngine
from search.opening import keep_loaded

CATALOG = "synthetic"
ANSWERED = 100
ROWS_A_WRITE = 5_000
WARM_UP, WARM_UP_EXACT = 200, 10
"""Further queries that are answered first and not counted: the quick index's files are mapped page by page as they are
used, the exact index lies in memory from the start."""
BLOCK = 200
"""Queries that one engine answers before it is the other's turn: a scan of everything empties the processor's caches,
and neither engine should search in what the other has left of them."""


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
    index_quick_ms: NDArray[np.float64]
    """The index alone, a hundred products' keys and cosines."""
    index_exact_ms: NDArray[np.float64]

    @property
    def p95_ms(self) -> float:
        return float(np.quantile(self.quick_ms, 0.95))

    @property
    def speedup_vs_exact(self) -> float:
        """How many searches a second the engine answers for each of the exact one's."""
        return _times(self.quick_ms, self.exact_ms)


def main() -> None:
    """Runs the measurement that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer products, under a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--products", type=int, help="how many products")
    parser.add_argument(
        "--dim", type=int, default=768, help="length of the vectors (768, as the lite encoder's)"
    )
    asked = parser.parse_args()
    products = asked.products or (30_000 if asked.quick else 500_000)
    size = Size(products, asked.dim, *((120, 60) if asked.quick else (600, 200)))
    with tempfile.TemporaryDirectory(prefix="lychee-bench-") as folder:
        figures = measure(size, Path(folder))
    if asked.json:
        names = ("p95_ms", "recall100", "speedup_vs_exact")
        print_json({name: round(getattr(figures, name), 3) for name in names})
    else:
        _print(size, figures)


def measure(size: Size, folder: Path) -> Figures:
    """Makes the shop, both indexes and both engines, and lets them answer in turns."""
    shop = SyntheticShop.open(dim=size.dim)
    encoder = QueryNumbers(shop.queries(next(shop.vectors(size.products)), size.queries + WARM_UP))
    store = CatalogStore.open(f"sqlite:///{folder / 'catalog.db'}")
    try:
        catalog = filled(store, size.products)
        started = time.perf_counter()
        publish(folder / "quick", catalog, shop, size, exact=False)
        built = time.perf_counter() - started
        publish(folder / "exact", catalog, shop, size, exact=True)
        read_once(folder)
        language = Language.load()
        quick = SearchEngine(store, encoder, language, data=folder / "quick")
        exact = SearchEngine(store, encoder, language, data=folder / "exact")
        keep_loaded()
        return _compared(quick, exact, size, built)
    finally:
        store.close()


def read_once(folder: Path) -> None:
    """Brings the files into the system's cache: a server that has been up for a while has read them all."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass


def _compared(quick: SearchEngine, exact: SearchEngine, size: Size, built: float) -> Figures:
    note("searching")
    for number in range(WARM_UP):
        _answer(quick, size.queries + number)
    for number in range(WARM_UP_EXACT):
        _answer(exact, size.queries + number)
    found: list[set[str]] = []
    quick_ms: list[float] = []
    exact_ms: list[float] = []
    recalls: list[float] = []
    for first in range(0, size.queries, BLOCK):
        numbers = range(first, min(first + BLOCK, size.queries))
        for number in numbers:
            answer, took = _answer(quick, number)
            found.append(answer)
            quick_ms.append(took)
        for number in (number for number in numbers if number < size.compared):
            right, took = _answer(exact, number)
            exact_ms.append(took)
            recalls.append(len(found[number] & right) / len(right))
    index_quick_ms, index_exact_ms = _index_alone(quick, exact, size.compared)
    recall = float(np.mean(recalls))
    return Figures(built, np.array(quick_ms), np.array(exact_ms), recall, index_quick_ms, index_exact_ms)


def _index_alone(
    quick: SearchEngine, exact: SearchEngine, queries: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    indexes = [engine.live(CATALOG).snapshot().picture for engine in (quick, exact)]
    took = np.empty((2, queries))
    for number in range(queries):
        vector = quick.encoder.encode_images([QueryNumbers.picture(number)]).vectors[0]
        for which, index in enumerate(indexes):
            started = time.perf_counter()
            index.nearest(vector, ANSWERED)
            took[which, number] = 1000 * (time.perf_counter() - started)
    return took[0], took[1]


def _answer(engine: SearchEngine, number: int) -> tuple[set[str], float]:
    started = time.perf_counter()
    answer = engine.search(Query(image=QueryNumbers.picture(number), limit=ANSWERED), CATALOG)
    took = 1000 * (time.perf_counter() - started)
    return {hit.candidate.product.id for hit in answer.hits}, took


def filled(store: CatalogStore, products: int) -> Catalog:
    """The catalog of a made-up shop."""
    note(f"writing {products:,} products")
    catalog = store.create(CATALOG, index_fields=("title",))
    rows = catalog_rows(products)
    while batch := list(islice(rows, ROWS_A_WRITE)):
        catalog.write(batch)
    return catalog


def publish(data: Path, catalog: Catalog, shop: SyntheticShop, size: Size, *, exact: bool) -> None:
    """Its indexes: one of pictures, and an empty one of texts."""
    note(f"building the {'exact' if exact else 'quick'} index")
    keys = catalog.changed_since(0)
    for channel in (Channel.PICTURE, Channel.TEXT):
        VectorIndex.publish(
            index_folder(data, CATALOG, channel, f"synthetic@{size.dim}"),
            _keyed(shop, keys) if channel is Channel.PICTURE else (),
            fingerprint=f"synthetic@{size.dim}",
            revision=catalog.revision(),
            making=Making(exact=exact),
        )


def _keyed(shop: SyntheticShop, keys: NDArray[np.int64]) -> Iterator[VectorBatch]:
    """The shop's vectors under the keys that the catalog gave its products."""
    first = 0
    for vectors in shop.vectors(len(keys)):
        batch: Floats = vectors
        yield VectorBatch(keys[first : first + len(batch)], batch, None, np.ones(len(batch), np.float32))
        first += len(batch)


def _print(size: Size, figures: Figures) -> None:
    rows = [
        _row("whole search, ms", figures.quick_ms, figures.exact_ms),
        _row("index alone, ms", figures.index_quick_ms, figures.index_exact_ms),
    ]
    print_table((f"{size.products:,} x {size.dim}", "p50", "p95", "exact p50", "exact p95", "times"), rows)
    print(f"recall@100 of exact {figures.recall100:.4f}; index built in {figures.build_seconds:.1f} s")


def _row(name: str, quick_ms: NDArray[np.float64], exact_ms: NDArray[np.float64]) -> tuple[str, ...]:
    quantiles = [f"{np.quantile(ms, part):.2f}" for ms in (quick_ms, exact_ms) for part in (0.5, 0.95)]
    return (name, *quantiles, f"{_times(quick_ms, exact_ms):.1f}")


def _times(quick_ms: NDArray[np.float64], exact_ms: NDArray[np.float64]) -> float:
    """Searches a second against searches a second."""
    return float(exact_ms.mean() / quick_ms.mean())


def note(text: str) -> None:
    """Says on stderr what goes on."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
