"""How the recall measurement is shown: its tables, and a plot of how each engine grows."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.filtered import Filtered
from bench.growing import Added, Sized
from bench.race import Result
from bench.rivals import bench_module
from bench.table import print_table

if TYPE_CHECKING:
    from bench.recall import Report

RACE_HEADER = (
    "engine",
    "setting",
    "recall",
    "build s",
    "bytes/vector",
    "p50 us",
    "p95 us",
    "q/s",
    "q/s on two",
    "ours is",
)


def print_report(report: Report) -> None:
    """All tables."""
    for race in report.races:
        print(race.title)
        print_table(RACE_HEADER, [_race_row(result, race.results[0]) for result in race.results])
    header = ("made up, by size", "build s", "bytes/vector", "recall@100", "p50 us", "p95 us")
    print_table(header, [_size_row(size) for size in report.sizes])
    for name, lines in report.filters.items():
        columns = (f"filters, {name}", "recall@10", "ms", "first ms", "FAISS bitmap ms", "ours is")
        print_table(columns, [_filter_row(line) for line in lines])
    for name, times in report.build_vs_faiss_hnsw.items():
        print(f"{name}: takes in rows {times:.1f} times as fast as FAISS's HNSW (M 16, efC 80)")
    print(f"batches of 16: {report.batch16_vs_faiss:.1f} times as fast as FAISS's default")
    if report.added:
        print(_added_line(report.added))


def save_plot(report: Report, path: Path) -> None:
    """Median time of a search and seconds to build against the number of rows, both axes by powers of ten."""
    bench_module("matplotlib").use("Agg")
    pyplot = bench_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    for name, line in sorted(_lines(report).items()):
        rows, milliseconds, builds = zip(*sorted(line), strict=True)
        axes[0].plot(rows, milliseconds, marker="o", label=name)
        axes[1].plot(rows, builds, marker="o", label=name)
    for axis, name in zip(axes, ("median ms of a search, one thread", "seconds to build"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="rows", ylabel=name)
        axis.grid(visible=True, which="both", alpha=0.2)
    axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=120)


def _lines(report: Report) -> dict[str, list[tuple[float, ...]]]:
    """A line's name to its points: rows, milliseconds, seconds to build."""
    lines: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for race in report.races:
        for result in race.results:
            point = (race.rows, 1e3 * result.quantile(0.5), result.engine.build_seconds)
            lines[f"{result.engine.name}, {race.name}, {race.goal.limit} at {race.goal.recall}"].append(point)
    for size in report.sizes:
        lines[f"ours, made up {size.dim}, 100"].append((size.rows, 1e3 * size.p50, size.build_seconds))
    return {name: line for name, line in lines.items() if len(line) > 1}


def _added_line(added: Added) -> str:
    return (
        f"1,000 products more: searchable after {added.until_searchable:.2f} s, published after "
        f"{added.until_published:.2f} s; "
        f"p95 {1e3 * added.p95_before:.2f} ms before, {1e3 * added.p95_meanwhile:.2f} ms meanwhile; "
        f"opened and answered in {added.open_to_answer:.2f} s"
    )


def _race_row(result: Result, ours: Result) -> tuple[str, ...]:
    engine = result.engine
    missed = "" if result.reached else " (not reached)"
    times = "" if result is ours else f"{ours.times_faster_than(result):.1f} x"
    return (
        engine.name,
        str(result.effort or ""),
        f"{result.recall:.4f}{missed}",
        f"{engine.build_seconds:.1f}",
        f"{engine.bytes_per_vector:.0f}",
        f"{1e6 * result.quantile(0.5):.0f}",
        f"{1e6 * result.quantile(0.95):.0f}",
        f"{result.per_second:.0f}",
        f"{result.per_second_on_two:.0f}",
        times,
    )


def _size_row(size: Sized) -> tuple[str, ...]:
    name = f"{size.rows:,} x {size.dim}"
    times = (f"{1e6 * size.p50:.0f}", f"{1e6 * size.p95:.0f}")
    return (name, f"{size.build_seconds:.1f}", f"{size.bytes_per_vector:.0f}", f"{size.recall:.4f}", *times)


def _filter_row(line: Filtered) -> tuple[str, ...]:
    times = (line.seconds, line.first_seconds, line.faiss_seconds)
    share = f"{100 * line.share:g} % kept"
    return (
        share,
        f"{line.recall:.4f}",
        *(f"{1e3 * seconds:.3f}" for seconds in times),
        f"{line.times:.1f} x",
    )
