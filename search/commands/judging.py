"""`lychee eval`: quality of search on judged queries."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from core.command import CatalogOption, DataOption, JsonOption, print_json, settings_in_force
from search.evaluation import Cell, evaluate
from search.judged import read_queries, read_relevances
from search.opening import open_engine


def evaluate_catalog(
    queries: Annotated[
        Path, typer.Argument(help="JSON lines: id, text, image, kind, lang, hide_fields, judged.")
    ],
    relevances: Annotated[Path, typer.Argument(help="TSV: query_id, product_id, relevance.")],
    image_root: Annotated[Path | None, typer.Option("--image-root", help="Where image paths begin.")] = None,
    hide: Annotated[
        list[str] | None, typer.Option("--hide", help="A field to hide from every query.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Judge at most this many queries.")] = None,
    catalog: CatalogOption = "products",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure search on judged queries: nDCG@10, recall, MRR, hit@1, per kind and language.

    Each query is answered with the fields hidden that it was made of (`hide_fields`).

    Try:  lychee eval queries.jsonl qrels.tsv --catalog luma
    """
    engine = open_engine(settings_in_force(data))
    asked = list(read_queries(queries))[:limit]
    cells = evaluate(
        engine,
        catalog,
        asked,
        read_relevances(relevances),
        image_root=image_root or queries.parent,
        also_hide=frozenset(hide or ()),
        watch=lambda each: track(each, "judging", console=Console(stderr=True), transient=True),
    )
    if as_json:
        print_json({"rerank": "skipped", "cells": [_document(cell) for cell in cells]})
    else:
        _print(cells)


def _document(cell: Cell) -> dict[str, object]:
    return {"kind": cell.kind, "lang": cell.lang, "queries": cell.queries, **asdict(cell.quality)}


def _print(cells: list[Cell]) -> None:
    names = ["ndcg_10", "recall_10", "recall_100", "precision_10", "mrr", "hit_1"]
    table = Table("kind", "lang", "queries", *names, box=None)
    for cell in cells:
        row = asdict(cell.quality)
        table.add_row(cell.kind, cell.lang, str(cell.queries), *(f"{row[name]:.3f}" for name in names))
    Console().print(table)
