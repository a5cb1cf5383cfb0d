"""Quality of the whole first stage on judged catalogues, each figure beside the one that was asked for.

    python -m bench.quality [--judged ../shared/data] [--keep FOLDER] [--json]

Needs the judged catalogues; every query is answered with the fields hidden that it was made of.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # python bench/quality.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.table import print_json, print_table
from core.catalog import CatalogStore
from core.encoder import load_encoder
from core.language import Language
from core.settings import Settings
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.report import IngestOptions, Workbench
from search.engine import SearchEngine
from search.evaluation import Cell, evaluate
from search.judged import read_queries, read_relevances

JUDGED = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = (
    "luma_apparel",
    "demo_shop",
    "grocery_identify_dev",
    "clothing_cc0_small",
    "stamps_multilingual",
    "emoji_bilingual",
)
LANGUAGES = ("", "en", "zh")
"""Queries in other languages are left out: what the packaged vocabulary does not speak."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure that was asked for."""

    set: str
    kinds: tuple[str, ...]
    lang: str
    measure: str
    least: float


GOALS = (
    Goal("luma_apparel", ("attr",), "en", "ndcg_10", 0.97),
    Goal("luma_apparel", ("attr",), "zh", "ndcg_10", 0.95),
    Goal("luma_apparel", ("description",), "en", "ndcg_10", 0.38),
    Goal("luma_apparel", ("same-product-other-photo",), "", "ndcg_10", 0.62),
    Goal("luma_apparel", ("composed-colour",), "en", "ndcg_10", 0.95),
    Goal("luma_apparel", ("composed-colour",), "zh", "ndcg_10", 0.95),
    Goal("grocery_identify_dev", ("photo-to-product-val",), "", "ndcg_10", 0.65),
    Goal("clothing_cc0_small", ("same-kind",), "", "precision_10", 0.63),
    Goal("stamps_multilingual, category hidden", ("name",), "en", "recall_10", 0.41),
    Goal("stamps_multilingual, category hidden", ("name",), "zh", "recall_10", 0.40),
    Goal("demo_shop", ("category", "description", "title"), "en", "ndcg_10", 0.72),
)


def measured(judged: Path, folder: Path, sets: Sequence[str]) -> dict[str, list[Cell]]:
    """The cells of each set; what is already in the folder is not ingested again."""
    settings = Settings(data=folder)
    language = Language.load()
    bench = Workbench(
        CatalogStore.open(settings.url), load_encoder(settings, language), language, settings.data
    )
    engine = SearchEngine(bench.store, bench.encoder, bench.language, data=folder)
    cells: dict[str, list[Cell]] = {}
    for name in sets:
        ingest(open_feed(judged / name / "products.jsonl"), bench, IngestOptions(catalog=name))
        cells[name] = _cells(engine, judged / name, frozenset())
        if name == "stamps_multilingual":
            cells[f"{name}, category hidden"] = _cells(engine, judged / name, frozenset({"category"}))
        for row in rows({name: cells[name]}):
            print(*row, file=sys.stderr, flush=True)
    return cells


def _cells(engine: SearchEngine, folder: Path, also_hide: frozenset[str]) -> list[Cell]:
    queries = [each for each in read_queries(folder / "queries.jsonl") if each.lang in LANGUAGES]
    return evaluate(
        engine,
        folder.name,
        queries,
        read_relevances(folder / "qrels.tsv"),
        image_root=folder,
        also_hide=also_hide,
    )


def reached(goal: Goal, cells: Sequence[Cell]) -> float:
    """The measure over all queries of the goal's kinds."""
    counted = [cell for cell in cells if cell.kind in goal.kinds and cell.lang == goal.lang]
    queries = sum(cell.queries for cell in counted)
    return float(
        sum(getattr(cell.quality, goal.measure) * cell.queries for cell in counted) / max(queries, 1)
    )


def rows(cells: dict[str, list[Cell]]) -> Iterator[tuple[str, ...]]:
    """One row a cell."""
    for name, of_set in cells.items():
        for cell in of_set:
            quality = cell.quality
            figures = (
                quality.ndcg_10,
                quality.recall_10,
                quality.recall_100,
                quality.precision_10,
                quality.hit_1,
            )
            yield (name, cell.kind, cell.lang, str(cell.queries), *(f"{figure:.3f}" for figure in figures))


def main() -> None:
    """Measures, and prints every cell and every goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--judged", type=Path, default=JUDGED)
    parser.add_argument("--keep", type=Path, help="folder to keep the ingested catalogues in")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cells = measured(asked.judged, asked.keep or Path(folder), asked.sets)
    goals = [(goal, reached(goal, cells[goal.set])) for goal in GOALS if goal.set in cells]
    if asked.json:
        print_json(
            {f"{g.set} {'+'.join(g.kinds)} {g.lang} {g.measure}".replace("  ", " "): v for g, v in goals}
        )
        return
    print_table(("set", "kind", "lang", "queries", "nDCG@10", "R@10", "R@100", "P@10", "hit@1"), rows(cells))
    print_table(
        ("set", "kind", "lang", "measure", "asked", "reached"),
        [
            (g.set, "+".join(g.kinds), g.lang, g.measure, f"{g.least:.2f}", f"{value:.3f}")
            for g, value in goals
        ],
    )


if __name__ == "__main__":
    main()
