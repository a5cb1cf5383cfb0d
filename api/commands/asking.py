"""`lychee search` and `lychee batch-search`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from api.commands.hit_table import print_answer
from api.rendering import answer_body, ranked_body
from core.command import CatalogOption, DataOption, JsonOption, print_json, print_json_line, settings_in_force
from core.errors import InvalidQuery, UnreadableImage
from core.images import ENCODER_SIDE, decode
from core.picture_files import read_local
from core.types import MAX_LIMIT, Band, Pixels, Query
from search.engine import SearchEngine
from search.judged import JudgedQuery, engine_query, read_queries
from search.judging import Judging
from search.opening import open_engine

NoRerank = Annotated[bool, typer.Option("--no-rerank", help="Recall's order only.")]
Depth = Annotated[
    int | None,
    typer.Option(
        "--depth",
        min=1,
        max=MAX_LIMIT,
        help="Candidates to judge; LYCHEE_RERANK_DEPTH unless given.",
        show_default=False,
    ),
]


def search(  # noqa: PLR0913 one parameter an option
    text: Annotated[str, typer.Argument(help="What to look for, in words.")] = "",
    image: Annotated[Path | None, typer.Option("--image", help="A picture of what to look for.")] = None,
    catalog: CatalogOption = "products",
    limit: Annotated[int, typer.Option("--limit", help="Hits to show, 1 to 1000.")] = 10,
    filter: Annotated[str, typer.Option("--filter", help="Such as: price < 500 AND color = pink")] = "",  # noqa: A002
    instruction: Annotated[
        str | None, typer.Option("--instruction", help="What the judge should weigh.")
    ] = None,
    no_rerank: NoRerank = False,
    depth: Depth = None,
    budget_ms: Annotated[
        int | None,
        typer.Option(
            "--budget-ms",
            min=1,
            help="Milliseconds that judging may take; LYCHEE_RERANK_BUDGET_MS unless given.",
            show_default=False,
        ),
    ] = None,
    min_band: Annotated[
        Band | None, typer.Option("--min-band", help="Show only what is judged to be that good.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show where recall had each hit, and why it is where it is.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search a catalog by words, by picture, or by both; the best candidates are judged and put in order.

    Try:  lychee search "red shoes" --explain   ·   lychee search --image photo.jpg "but in blue"
    """
    wishes = {
        "--instruction": instruction,
        "--depth": depth,
        "--budget-ms": budget_ms,
        "--min-band": min_band,
    }
    _refuse_wishes_of_no_judge(no_rerank, wishes)
    query = Query(
        text=text,
        image=None if image is None else _picture(image),
        limit=limit,
        filter=filter,
        instruction=instruction,
    )
    engine = open_engine(settings_in_force(data))
    usual = engine.judging
    judging = Judging(not no_rerank, depth or usual.depth, budget_ms or usual.budget_ms, min_band)
    answer = engine.search(query, catalog, judging)
    if as_json:
        print_json(answer_body(answer, catalog, explain=explain).model_dump())
    else:
        print_answer(answer, explain=explain)


def batch_search(  # noqa: PLR0913 one parameter an option
    queries: Annotated[Path, typer.Argument(help="JSON lines with id, text and/or image.")],
    image_root: Annotated[Path | None, typer.Option("--image-root", help="Where image paths begin.")] = None,
    catalog: CatalogOption = "products",
    limit: Annotated[int, typer.Option("--limit", help="Hits a query, 1 to 1000.")] = 100,
    no_rerank: NoRerank = False,
    depth: Depth = None,
    budget_ms: Annotated[
        int | None,
        typer.Option(
            "--budget-ms",
            min=1,
            help="Milliseconds that judging a query may take; as long as it takes unless given.",
            show_default=False,
        ),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run many searches in one process; one JSON line a query.

    Try:  lychee batch-search queries.jsonl > ranked.jsonl
    """
    _refuse_wishes_of_no_judge(no_rerank, {"--depth": depth, "--budget-ms": budget_ms})
    root = image_root or queries.parent
    engine = open_engine(settings_in_force(data))
    engine.live(catalog)
    judging = Judging(not no_rerank, depth or engine.judging.depth, budget_ms)
    for query in read_queries(queries):
        print_json_line(_answered(engine, catalog, query, root, limit, judging=judging))


def _refuse_wishes_of_no_judge(no_rerank: bool, wishes: Mapping[str, object]) -> None:
    asked = [name for name, wish in wishes.items() if wish is not None]
    if no_rerank and asked:
        raise typer.BadParameter(f"{asked[0]} is for the judge, which --no-rerank leaves out")


def _answered(
    engine: SearchEngine, catalog: str, query: JudgedQuery, root: Path, limit: int, *, judging: Judging
) -> dict[str, object]:
    """The line of one query; a query that can't be answered says why and the others go on."""
    try:
        answer = engine.search(engine_query(query, root, limit), catalog, judging)
    except (InvalidQuery, UnreadableImage) as error:
        return {"id": query.id, "hits": [], "error": str(error)}
    return {"id": query.id, **ranked_body(answer).model_dump()}


def _picture(path: Path) -> Pixels:
    return decode(read_local(path.name, path.parent), source=str(path), at_least=ENCODER_SIDE)
