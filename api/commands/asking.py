"""`lychee search` and `lychee batch-search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.rendering import answer_body, ranked_body
from core.command import CatalogOption, DataOption, JsonOption, print_json, print_json_line, settings_in_force
from core.errors import InvalidQuery, UnreadableImage
from core.images import ENCODER_SIDE, decode
from core.picture_files import read_local
from core.types import Hit, Pixels, Query
from search.answer import Answer
from search.engine import SearchEngine
from search.judged import JudgedQuery, engine_query, read_queries
from search.opening import open_engine


def search(  # noqa: PLR0913 one parameter an option
    text: Annotated[str, typer.Argument(help="What to look for, in words.")] = "",
    image: Annotated[Path | None, typer.Option("--image", help="A picture of what to look for.")] = None,
    catalog: CatalogOption = "products",
    limit: Annotated[int, typer.Option("--limit", help="Hits to show, 1 to 1000.")] = 10,
    filter: Annotated[str, typer.Option("--filter", help="Such as: price < 500 AND color = pink")] = "",  # noqa: A002
    instruction: Annotated[
        str | None, typer.Option("--instruction", help="What the judge should weigh.")
    ] = None,
    no_rerank: Annotated[bool, typer.Option("--no-rerank", help="Recall's order only.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show why each hit is where it is.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search a catalog by words, by picture, or by both.

    Try:  lychee search "red shoes"   ·   lychee search --image photo.jpg "but in blue"
    """
    query = Query(
        text=text,
        image=None if image is None else _picture(image),
        limit=limit,
        filter=filter,
        instruction=instruction,
    )
    answer = open_engine(settings_in_force(data)).search(query, catalog)
    if as_json:
        print_json(answer_body(answer, catalog, explain=explain).model_dump())
    else:
        _print_table(answer, explain=explain)


def batch_search(
    queries: Annotated[Path, typer.Argument(help="JSON lines with id, text and/or image.")],
    image_root: Annotated[Path | None, typer.Option("--image-root", help="Where image paths begin.")] = None,
    catalog: CatalogOption = "products",
    limit: Annotated[int, typer.Option("--limit", help="Hits a query, 1 to 1000.")] = 100,
    no_rerank: Annotated[bool, typer.Option("--no-rerank", help="Recall's order only.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run many searches in one process; one JSON line a query.

    Try:  lychee batch-search queries.jsonl > ranked.jsonl
    """
    root = image_root or queries.parent
    engine = open_engine(settings_in_force(data))
    engine.live(catalog)
    for query in read_queries(queries):
        print_json_line(_answered(engine, catalog, query, root, limit))


def _answered(
    engine: SearchEngine, catalog: str, query: JudgedQuery, root: Path, limit: int
) -> dict[str, object]:
    """The line of one query; a query that can't be answered says why and the others go on."""
    try:
        answer = engine.search(engine_query(query, root, limit), catalog)
    except (InvalidQuery, UnreadableImage) as error:
        return {"id": query.id, "hits": [], "error": str(error)}
    return {"id": query.id, **ranked_body(answer).model_dump()}


def _picture(path: Path) -> Pixels:
    return decode(read_local(path.name, path.parent), source=str(path), at_least=ENCODER_SIDE)


def _print_table(answer: Answer, *, explain: bool) -> None:
    if not answer.hits:
        typer.echo("Nothing found.")
        return
    table = Table("#", "id", "title", "price", "similarity", *(["why"] if explain else []), box=None)
    for hit in answer.hits:
        table.add_row(*_row(hit, explain=explain))
    Console().print(table)
    about = "" if answer.total.exact else "about "
    typer.echo(f"{about}{answer.total.value} products in {answer.took.total:.0f} ms", err=True)


def _row(hit: Hit, *, explain: bool) -> list[str]:
    candidate = hit.candidate
    product = candidate.product
    price = "" if product.price is None else f"{product.price:.2f} {product.currency or ''}".strip()
    title = product.title or next(iter(product.titles.values()), "")
    row = [str(hit.rank), product.id, title, price, f"{candidate.similarity:.3f}"]
    if explain:
        evidence = candidate.evidence
        row.append(
            f"{'+'.join(candidate.channels)}: words {evidence.coverage:.2f}, "
            f"attributes {evidence.agreement:+.2f}, together {evidence.fused:.2f}"
        )
    return row
