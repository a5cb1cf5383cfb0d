"""The commands of the write path: ingest, rejects, and the demo shop."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.catalog import CatalogStore, Reject
from core.command import CatalogOption, DataOption, JsonOption, note, print_json, settings_in_force
from core.encoder import load_encoder
from core.language import Language
from core.pictures import PictureStore
from core.publishing import check_catalog_name
from core.settings import Settings
from indexer import index_commands
from indexer.feeds import Feed, FeedFormat, open_feed
from indexer.pipeline import ingest
from indexer.report import INDEX_FIELDS, IngestOptions, IngestReport, Workbench
from indexer.warming import LookingAhead, warm_judge
from indexer.watching import TerminalWatch
from rerank.loading import load_reranker

ALL_FIELDS = ",".join(INDEX_FIELDS)
DEMO = Path(__file__).parent / "demo" / "products.jsonl"

FeedArgument = Annotated[str, typer.Argument(help="Feed file, folder of pictures, or - for stdin.")]
ImagesOption = Annotated[
    Path | None, typer.Option("--images", help="Folder that picture paths start from.  [default: the feed's]")
]
FormatOption = Annotated[FeedFormat, typer.Option("--format", help="How to read the feed.")]
FieldsOption = Annotated[
    str, typer.Option("--index-fields", help=f"Fields whose words are searched, of {ALL_FIELDS}.")
]
PruneOption = Annotated[bool, typer.Option("--prune", help="Remove products that the feed no longer has.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with 1 when anything was rejected.")]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="Read only so many rows.")]
WarmOption = Annotated[
    bool, typer.Option("--warm-judge", help="Have the lychee judge look at every product's picture now.")
]


def add_commands(app: typer.Typer) -> None:
    """Mounts this package's commands."""
    app.command(name="ingest")(ingest_feed)
    app.command(name="rejects")(show_rejects)
    index_commands.add_commands(app)


def ingest_feed(  # noqa: PLR0913 one parameter an option
    feed: FeedArgument,
    *,
    catalog: CatalogOption = "products",
    images: ImagesOption = None,
    form: FormatOption = "auto",
    index_fields: FieldsOption = ALL_FIELDS,
    prune: PruneOption = False,
    strict: StrictOption = False,
    limit: LimitOption = None,
    warm: WarmOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add and update products from a feed; running it again changes nothing and finishes what was broken off.

    Try:  lychee ingest products.csv   ·   lychee ingest pictures/ --catalog photos --prune
    """
    if prune and limit is not None:
        raise typer.BadParameter("--prune with --limit would remove what was not read; leave one out")
    check_catalog_name(catalog)
    settings = settings_in_force(data)
    if warm and settings.reranker_name != "lychee":
        raise typer.BadParameter(
            f"--warm-judge is for the lychee judge, and the one in force is {settings.reranker_name}"
        )
    options = IngestOptions(catalog, _fields(index_fields), prune, limit)
    with _feed_file(feed) as source:
        here = Path.cwd() if feed == "-" else None
        opened = open_feed(source, form=form, images=images or here)
        report = _ingested(opened, options, settings, quiet=as_json, warm=warm)
    _tell(report, as_json=as_json)
    if report.interrupted or (strict and report.rejected):
        raise typer.Exit(1)


def show_rejects(
    catalog: CatalogOption = "products", data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Show what the last ingest refused, and why.

    Try:  lychee rejects   ·   lychee rejects --catalog photos --json
    """
    with closing(CatalogStore.open(settings_in_force(data).url)) as store:
        found = store.catalog(catalog)
        runs = found.runs()
        rejects = found.rejects(runs[0].id) if runs else []
    if as_json:
        print_json([_plain(reject) for reject in rejects])
        return
    for reject in rejects:
        typer.echo(f"line {reject.line}\t{reject.product_id or '-'}\t{reject.code}\t{reject.reason}")
    note(f"{len(rejects):,} rejected by the last ingest into {catalog}")


def ingest_demo(settings: Settings) -> None:
    """Ingests the demo shop that ships with the product; nothing to do when it is there already."""
    _tell(_ingested(open_feed(DEMO), IngestOptions(), settings, quiet=False), as_json=False)


def _ingested(
    feed: Feed, options: IngestOptions, settings: Settings, *, quiet: bool, warm: bool = False
) -> IngestReport:
    watch = TerminalWatch(quiet=quiet)
    with closing(CatalogStore.open(settings.url)) as store:
        language, choice = Language.load(), store.encoder_choice(options.catalog)
        bench = Workbench(store, load_encoder(settings, language, choice), language, settings.data, choice)
        # Before the feed is read: a judge that can't be loaded should not be found out at its end.
        judge = load_reranker(settings, bench.encoder, language) if warm else None
        with watch.listening():
            report = ingest(feed, bench, options, watch=watch)
        if isinstance(judge, LookingAhead) and not report.interrupted:
            warmed = warm_judge(judge, store.catalog(options.catalog), PictureStore(settings.data))
            note(f"the judge knows {warmed.seen:,} pictures; {warmed.unreadable:,} can't be read")
        return report


def _fields(text: str) -> tuple[str, ...]:
    fields = tuple(dict.fromkeys(field.strip() for field in text.split(",") if field.strip()))
    if unknown := [field for field in fields if field not in INDEX_FIELDS]:
        raise typer.BadParameter(f"--index-fields knows {', '.join(INDEX_FIELDS)}, not {', '.join(unknown)}")
    return fields


@contextmanager
def _feed_file(feed: str) -> Iterator[Path]:
    """The feed as a file: what comes in on stdin is read more than once."""
    if feed != "-":
        yield Path(feed)
        return
    with tempfile.NamedTemporaryFile(prefix="feed-") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        yield Path(file.name)


def _tell(report: IngestReport, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    for sentence in report.notes:
        note(sentence)
    counts = ", ".join(
        f"{name} {getattr(report, name):,}"
        for name in ("stored", "updated", "unchanged", "removed", "rejected")
    )
    seen = f" (see {report.rejects_file})" if report.rejects_file else ""
    typer.echo(f"{counts}{seen}")
    if report.interrupted:
        note("interrupted: these rows are kept; run the same command again for the rest")
    else:
        note(f"encoded {report.pictures_encoded:,} pictures; {report.seconds:,.1f} seconds in all")


def _plain(reject: Reject) -> dict[str, object]:
    row = asdict(reject)
    return {"line": row["line"], "id": row["product_id"], **{n: row[n] for n in ("code", "reason", "source")}}
