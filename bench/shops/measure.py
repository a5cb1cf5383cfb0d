"""Quality of the first stage on judged shops without pictures, per language and style of query.

    python -m bench.shops.measure [chinese home …] [--failures] [--lang zh]

The shops are made up and lie beside this file, in the format that `lychee eval` reads; `--failures` shows the first
hits of every query that is not answered perfectly.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.table import print_table
from core.catalog import CatalogStore
from core.encoder import load_encoder
from core.language import Language
from core.settings import Settings
from core.types import Query
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.report import IngestOptions, Workbench
from search.engine import SearchEngine
from search.evaluation import Cell, evaluate
from search.judged import JudgedQuery, read_queries, read_relevances
from search.measures import quality

SHOPS = Path(__file__).resolve().parent
SHOWN = 5
PERFECT = 0.999


def opened(folder: Path, shops: Sequence[str]) -> SearchEngine:
    """An engine over the shops, one catalog each."""
    settings = Settings(data=folder)
    language = Language.load()
    bench = Workbench(CatalogStore.open(settings.url), load_encoder(settings, language), language, folder)
    for shop in shops:
        ingest(open_feed(SHOPS / shop / "products.jsonl"), bench, IngestOptions(catalog=shop))
    return SearchEngine(bench.store, bench.encoder, bench.language, data=folder)


def cells(engine: SearchEngine, shop: str, lang: str | None) -> list[Cell]:
    """The shop's cells, then one for each language."""
    queries = _queries(shop, lang)
    judged = read_relevances(SHOPS / shop / "qrels.tsv")
    everything = [
        JudgedQuery(each.id, each.text, kind="all", lang=each.lang) for each in queries if each.id in judged
    ]
    root = SHOPS / shop
    return [
        *evaluate(engine, shop, queries, judged, image_root=root),
        *evaluate(engine, shop, everything, judged, image_root=root),
    ]


def failures(engine: SearchEngine, shop: str, lang: str | None) -> Iterator[str]:
    """What each imperfect query found first, with what was judged relevant and is missing there."""
    judged = read_relevances(SHOPS / shop / "qrels.tsv")
    for query in _queries(shop, lang):
        answer = engine.search(Query(text=query.text, limit=100), shop)
        ranking = [hit.candidate.product.id for hit in answer.hits]
        reached = quality(ranking, judged[query.id])
        if reached.ndcg_10 < PERFECT:
            yield f"{reached.ndcg_10:.2f} {query.text}\n     {_shown(ranking, judged[query.id])}"


def _shown(ranking: Sequence[str], relevances: Mapping[str, int]) -> str:
    first = [f"{each}={relevances.get(each, 0)}" for each in ranking[:SHOWN]]
    missing = [f"{each}@{_rank(ranking, each)}" for each in relevances if each not in ranking[:SHOWN]]
    return " ".join(first) + (f"   missing {' '.join(missing)}" if missing else "")


def _rank(ranking: Sequence[str], product: str) -> str:
    return str(ranking.index(product) + 1) if product in ranking else "-"


def _queries(shop: str, lang: str | None) -> list[JudgedQuery]:
    return [each for each in read_queries(SHOPS / shop / "queries.jsonl") if lang in (None, each.lang)]


def _rows(shop: str, of_shop: Sequence[Cell]) -> Iterator[tuple[str, ...]]:
    for cell in of_shop:
        figures = (cell.quality.ndcg_10, cell.quality.hit_1, cell.quality.recall_10)
        yield (shop, cell.kind, cell.lang, str(cell.queries), *(f"{figure:.3f}" for figure in figures))


def main() -> None:
    """Measures the shops, and prints every cell or every failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "shops", nargs="*", default=sorted(each.parent.name for each in SHOPS.glob("*/qrels.tsv"))
    )
    parser.add_argument("--failures", action="store_true")
    parser.add_argument("--lang", choices=("en", "zh"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = opened(Path(folder), asked.shops)
        for shop in asked.shops:
            if asked.failures:
                print(*failures(engine, shop, asked.lang), sep="\n")
        print_table(
            ("shop", "style", "lang", "queries", "nDCG@10", "hit@1", "R@10"),
            [row for shop in asked.shops for row in _rows(shop, cells(engine, shop, asked.lang))],
        )


if __name__ == "__main__":
    main()
