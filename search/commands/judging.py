"""`lychee eval`: quality of search on judged queries, without and with the second stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from core.command import CatalogOption, DataOption, JsonOption, note, print_json, settings_in_force
from search.evaluation import DEPTH, Cell, evaluate
from search.judged import read_queries, read_relevances
from search.judging import Judging
from search.measures import Quality
from search.opening import open_engine

NAMES = {
    "ndcg_10": "nDCG@10", "recall_10": "R@10", "recall_100": "R@100", "precision_10": "P@10", "mrr": "MRR", "hit_1": "hit@1",
}  # fmt: skip


def evaluate_catalog(  # noqa: PLR0913 one parameter an option
    queries: Annotated[
        Path, typer.Argument(help="JSON lines: id, text, image, kind, lang, hide_fields, judged.")
    ],
    relevances: Annotated[Path, typer.Argument(help="TSV: query_id, product_id, relevance.")],
    image_root: Annotated[Path | None, typer.Option("--image-root", help="Where image paths begin.")] = None,
    hide: Annotated[
        list[str] | None, typer.Option("--hide", help="A field to hide from every query.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Judge at most this many queries.")] = None,
    no_rerank: Annotated[bool, typer.Option("--no-rerank", help="Measure recall's order only.")] = False,
    depth: Annotated[
        int | None,
        typer.Option(
            "--depth",
            min=1,
            max=DEPTH,
            help="Candidates to judge; LYCHEE_RERANK_DEPTH unless given.",
            show_default=False,
        ),
    ] = None,
    catalog: CatalogOption = "products",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure search on judged queries: nDCG@10, recall, MRR, hit@1, per kind and language, before and after judging.

    Each query is answered with the fields hidden that it was made of (`hide_fields`), and the judge has as long as it
    takes.

    Try:  lychee eval queries.jsonl qrels.tsv --catalog luma
    """
    if no_rerank and depth is not None:
        raise typer.BadParameter("--depth is for the judge, which --no-rerank leaves out")
    engine = open_engine(settings_in_force(data))
    asked = list(read_queries(queries))[:limit]
    cells = evaluate(
        engine,
        catalog,
        asked,
        read_relevances(relevances),
        image_root=image_root or queries.parent,
        also_hide=frozenset(hide or ()),
        judging=Judging(not no_rerank, depth or engine.judging.depth, budget_ms=None),
        watch=lambda each: track(each, "judging", console=Console(stderr=True), transient=True),
    )
    model = engine.reranker.model if engine.reranker and not no_rerank else None
    if as_json:
        print_json({"rerank": _rerank(cells, model), "cells": [_document(cell) for cell in cells]})
    else:
        _print(cells)
        note(f"judged by {model}: {_spoken(cells)}" if model else "recall's order only: nothing was judged")


def _rerank(cells: Sequence[Cell], model: str | None) -> dict[str, object]:
    return {"model": model, "statuses": dict(_statuses(cells))}


def _statuses(cells: Sequence[Cell]) -> Counter[str]:
    """How many queries the second stage answered in each way."""
    return sum((Counter(cell.statuses) for cell in cells), Counter[str]())


def _spoken(cells: Sequence[Cell]) -> str:
    return ", ".join(f"{count} {status}" for status, count in _statuses(cells).most_common())


def _document(cell: Cell) -> dict[str, object]:
    """The figures of the answers as shoppers get them, then those of either order."""
    return {
        "kind": cell.kind,
        "lang": cell.lang,
        "queries": cell.queries,
        **asdict(cell.answered),
        "without_rerank": asdict(cell.quality),
        "with_rerank": None if cell.judged is None else asdict(cell.judged),
    }


def _print(cells: Sequence[Cell]) -> None:
    """Recall's figures, and the judge's in the row below."""
    table = Table("kind", "lang", "queries", "order", *NAMES.values(), box=None)
    for cell in cells:
        table.add_row(cell.kind, cell.lang, str(cell.queries), "recall", *_figures(cell.quality))
        if cell.judged is not None:
            table.add_row("", "", "", "judged", *_figures(cell.judged))
    Console().print(table)


def _figures(quality: Quality) -> list[str]:
    return [f"{getattr(quality, name):.3f}" for name in NAMES]
