"""What keeping a catalog in PostgreSQL costs beside SQLite, and which way of writing batches is the quickest there.

    python -m bench.postgres              20,000 made-up products, words only
    python -m bench.postgres --quick      2,000 of them
    python -m bench.postgres --json       the same as one document

Everything takes turns in one run, so that the ratios hold on a machine with other work: batches of 256 products are
written to both databases in turn, searches ask both in turn, and each round writes the same rows in each of the ways.
The server is one that the tests would start, with fsync as SQLite has it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection, Engine, create_engine, text

if (
    not __package__
):  # python bench/postgres.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.synthetic import COLOURS, KINDS, catalog_rows
from bench.table import print_json, print_table
from core.catalog import Catalog, CatalogRow, CatalogStore, VectorRow
from core.filters import parse_filter
from tests.postgres import INITDB, running

BATCH = 256
"""Products that an ingest writes at once."""
ROUNDS = 7
SEARCHES = 200
FEATURES = 4_000
COLUMNS = {
    "document": (("product_key", "bigint"), ("strong", "text"), ("weak", "text"), ("body", "bytea")),
    "attribute": (
        ("product_key", "bigint"),
        ("name", "text"),
        ("folded", "text"),
        ("value", "text"),
        ("number", "double precision"),
        ("catalog_id", "integer"),
    ),
}
"""The tables of most bytes and of most rows."""
T = TypeVar("T")
Rows = Sequence[tuple[Any, ...]]
Way = Callable[[Connection, str, Rows], None]


def one_by_one(connection: Connection, table: str, rows: Rows) -> None:
    """A statement a row, sent ahead of the answers (psycopg's executemany)."""
    places = ", ".join(["%s"] * len(rows[0]))
    connection.exec_driver_sql(f"INSERT INTO scratch_{table} VALUES ({places})", [*rows])


def many_values(connection: Connection, table: str, rows: Rows) -> None:
    """One statement with all rows behind VALUES, of which PostgreSQL takes 65,535 values at most."""
    for some in _batches(rows, 65_535 // len(rows[0])):
        one = f"({', '.join(['%s'] * len(rows[0]))})"
        flat = tuple(value for row in some for value in row)
        connection.exec_driver_sql(f"INSERT INTO scratch_{table} VALUES {', '.join([one] * len(some))}", flat)


def unnested(connection: Connection, table: str, rows: Rows) -> None:
    """One statement with an array a column."""
    arrays = ", ".join(f"%s::{kind}[]" for _, kind in COLUMNS[table])
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    connection.exec_driver_sql(f"INSERT INTO scratch_{table} SELECT * FROM unnest({arrays})", columns)


def copied(connection: Connection, table: str, rows: Rows) -> None:
    """COPY, which knows no ON CONFLICT: what the catalog does with rows that are new."""
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY scratch_{table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


WAYS: dict[str, Way] = {
    "executemany": one_by_one,
    "VALUES": many_values,
    "unnest": unnested,
    "COPY": copied,
}


def _batches(rows: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    left = iter(rows)
    while some := tuple(islice(left, size)):
        yield some


def ways_of_writing(engine: Engine, batches: int) -> dict[str, dict[str, float]]:
    """For each table and way, how many times quicker than executemany it is: the median of alternating rounds."""
    with engine.begin() as connection:
        stored = {
            table: [tuple(row) for row in connection.execute(text(_selected(table, batches)))]
            for table in COLUMNS
        }
        for table in COLUMNS:
            connection.execute(text(f"CREATE TABLE scratch_{table} (LIKE {table} INCLUDING ALL)"))
    ratios: dict[str, dict[str, list[float]]] = {table: {way: [] for way in WAYS} for table in COLUMNS}
    for round_number in range(ROUNDS):
        for table, rows in stored.items():
            turns = sorted(WAYS, key=lambda way: (list(WAYS).index(way) + round_number) % len(WAYS))
            took = {way: _took(engine, WAYS[way], table, rows) for way in turns}
            for way in WAYS:
                ratios[table][way].append(took["executemany"] / took[way])
    return {
        table: {way: round(statistics.median(found), 2) for way, found in by_way.items()}
        for table, by_way in ratios.items()
    }


def _selected(table: str, batches: int) -> str:
    columns = ", ".join(name for name, _ in COLUMNS[table])
    return f"SELECT {columns} FROM {table} WHERE product_key <= {batches * BATCH} ORDER BY product_key"


def _took(engine: Engine, way: Way, table: str, rows: Rows) -> float:
    """Seconds to write the rows, a transaction for those of about a batch of products."""
    a_batch = BATCH if table == "document" else BATCH * 7
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE scratch_{table}"))
    started = time.perf_counter()
    for some in _batches(rows, a_batch):
        with engine.begin() as connection:
            way(connection, table, some)
    return time.perf_counter() - started


def write_in_turn(shops: dict[str, Catalog], products: int) -> tuple[dict[str, float], list[float]]:
    """Seconds that each database took to store the products, and how their batches compare."""
    took, ratios = dict.fromkeys(shops, 0.0), []
    generator = np.random.default_rng(5)
    for rows in _batches(catalog_rows(products), BATCH):
        vectors = [_vector(generator, row) for row in rows]
        a_batch = {name: _seconds(partial(shop.write, rows, vectors)) for name, shop in shops.items()}
        for name, seconds in a_batch.items():
            took[name] += seconds
        ratios.append(a_batch["postgresql"] / a_batch["sqlite"])
    return took, ratios


def _vector(generator: np.random.Generator, row: CatalogRow) -> VectorRow:
    vector = generator.standard_normal(512, dtype=np.float32)
    features = generator.integers(-127, 128, FEATURES, dtype=np.int8)
    return VectorRow(row.picture_hashes[0], "bench@1", vector / np.linalg.norm(vector), features)


def search_in_turn(shops: dict[str, Catalog]) -> dict[str, dict[str, float]]:
    """Median milliseconds of what a search asks of the catalog, its caches emptied by a write before each."""
    tree = parse_filter("price < 200 AND color = red")
    assert tree is not None
    asked: dict[str, Callable[[Catalog, int], object]] = {
        "lexical": lambda shop, n: shop.lexical([COLOURS[n % 9], KINDS[n % 11], str(n)], 500),
        "filter": lambda shop, _: shop.matching(tree),
        "products": lambda shop, n: shop.products(list(range(n * 7 + 1, n * 7 + 51))),
        "facets": lambda shop, n: shop.facets(np.arange(1, 501), ["color", "brand"]),
    }
    found: dict[str, dict[str, list[float]]] = {what: {name: [] for name in shops} for what in asked}
    fresh = catalog_rows(SEARCHES, first=10_000_000)
    for n, row in enumerate(fresh):
        for shop in shops.values():
            shop.write([row])
        for what, ask in asked.items():
            for name, shop in shops.items():
                found[what][name].append(_seconds(partial(ask, shop, n)) * 1_000)
    return {
        what: {name: round(statistics.median(each), 2) for name, each in by_name.items()}
        for what, by_name in found.items()
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def plan_of_a_word(engine: Engine, table: str, token: str) -> str:
    """How PostgreSQL looks a word up."""
    with engine.begin() as connection:
        connection.execute(text(f"ANALYZE {table}"))
        asked = f"EXPLAIN SELECT key FROM {table} WHERE strong @> ARRAY[:token]"
        return "\n".join(connection.execute(text(asked), {"token": token}).scalars())


def measured(products: int) -> dict[str, Any]:
    """Everything, on fresh databases."""
    with _databases() as (shops, engine):
        took, ratios = write_in_turn(shops, products)
        plans = {
            token: plan_of_a_word(engine, f"lexical_{shops['postgresql'].id}", token)
            for token in ("red", "17")
        }
        return {
            "products": products,
            "stored_per_second": {name: round(products / seconds) for name, seconds in took.items()},
            "write_postgresql_over_sqlite": round(statistics.median(ratios), 2),
            "search_ms": search_in_turn(shops),
            "uses_gin": {token: "Bitmap Index Scan" in plan for token, plan in plans.items()},
            "times_quicker_than_executemany": ways_of_writing(engine, min(20, products // BATCH)),
        }


@contextmanager
def _databases() -> Iterator[tuple[dict[str, Catalog], Engine]]:
    if INITDB is None:
        raise SystemExit("PostgreSQL is not installed; `apt-get install postgresql` brings it")
    with tempfile.TemporaryDirectory() as folder, running(INITDB, fsync=True) as url:
        engine = create_engine(url.replace("://", "+psycopg://"))
        urls = {"sqlite": f"sqlite:///{folder}/catalog.db", "postgresql": url}
        stores = {name: CatalogStore.open(each) for name, each in urls.items()}
        with closing(stores["sqlite"]), closing(stores["postgresql"]):
            shops = {name: store.create("shop", index_fields=("title",)) for name, store in stores.items()}
            yield shops, engine
        engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measured(2_000 if arguments.quick else 20_000)
    if arguments.json:
        print_json(figures)
        return
    print_table(("measured", "found"), [(name, str(value)) for name, value in figures.items()])


if __name__ == "__main__":
    main()
