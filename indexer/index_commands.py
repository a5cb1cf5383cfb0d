"""`lychee index rebuild` and `lychee index forget`: indexes made anew, catalogs switched to other encoders and back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from core.catalog import Catalog, CatalogStore
from core.command import DataOption, JsonOption, note, print_json, settings_in_force
from core.encoder import load_encoder
from core.encoder_choice import EncoderChoice
from core.language import Language
from core.settings import EncoderName, Settings
from indexer.forgetting import forget_encoder_before
from indexer.rebuilding import Rebuild, RebuildReport
from indexer.report import Workbench
from indexer.watching import TerminalWatch
from search.commands.housekeeping import NameArgument, index

EncoderOption = Annotated[
    EncoderName | None, typer.Option("--encoder", help="Switch the catalog to this encoder.")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="Model of open_clip.  [default: LYCHEE_OPEN_CLIP_MODEL]")
]
PretrainedOption = Annotated[str | None, typer.Option("--pretrained", help="Weights of that model.")]
BackOption = Annotated[bool, typer.Option("--back", help="Switch back to the encoder before.")]


def add_commands(app: typer.Typer) -> None:
    """Mounts `lychee index`, with what the read path checks of it."""
    app.add_typer(index, name="index")


@index.command()
def rebuild(
    name: NameArgument = "products",
    *,
    encoder: EncoderOption = None,
    model: ModelOption = None,
    pretrained: PretrainedOption = None,
    back: BackOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encode what has no vector yet and build the indexes anew; with --encoder or --back, switch to that encoder.

    The encoder before serves until all is encoded; then running servers change over by themselves. Broken off, the
    same command goes on where it was.

    Try:  lychee index rebuild   ·   lychee index rebuild shop --encoder open_clip   ·   lychee index rebuild shop --back
    """
    if back and (encoder or model or pretrained):
        raise typer.BadParameter("--back goes to the encoder before; leave out the other options")
    if (model or pretrained) and encoder != "open_clip":
        raise typer.BadParameter("--model and --pretrained are for --encoder open_clip")
    settings = settings_in_force(data)
    with closing(CatalogStore.open(settings.url)) as store:
        catalog = store.catalog(name)
        to = _before(catalog) if back else _named(settings, encoder, model, pretrained)
        report = _rebuilt(store, catalog, settings, to, quiet=as_json)
        in_force = catalog.encoding.encoders().choice
    if as_json:
        print_json(asdict(report))
    else:
        _tell(report, str(in_force or EncoderChoice.of(settings)))
    if report.interrupted:
        raise typer.Exit(1)


@index.command()
def forget(name: NameArgument = "products", data: DataOption = None, as_json: JsonOption = False) -> None:
    """Give up the way back to the encoder before, and free what encoders left that no catalog uses.

    The database gives the space to what is stored next; it doesn't become smaller by itself.

    Try:  lychee index forget shop
    """
    settings = settings_in_force(data)
    watch = TerminalWatch(quiet=as_json, doing="dropping", what="vectors")
    with closing(CatalogStore.open(settings.url)) as store, watch.listening():
        forgotten = forget_encoder_before(store, store.catalog(name).name, settings, Language.load(), watch)
    if as_json:
        print_json(asdict(forgotten))
    else:
        typer.echo(f"dropped {forgotten.vectors:,} vectors and {forgotten.index_folders:,} indexes")


def _before(catalog: Catalog) -> EncoderChoice:
    before = catalog.encoding.encoders().before
    if before is None:
        raise typer.BadParameter(f"{catalog.name} was not switched yet, or the encoder before is forgotten")
    return before


def _named(
    settings: Settings, encoder: EncoderName | None, model: str | None, pretrained: str | None
) -> EncoderChoice | None:
    """What the options name; the settings' model and weights where they name no model."""
    if encoder is None:
        return None
    chosen: dict[str, str | None] = {"encoder": encoder}
    if model is not None:
        chosen |= {"open_clip_model": model, "open_clip_pretrained": pretrained}
    elif pretrained is not None:
        chosen |= {"open_clip_pretrained": pretrained}
    return EncoderChoice.of(settings.model_copy(update=chosen))


def _rebuilt(
    store: CatalogStore, catalog: Catalog, settings: Settings, to: EncoderChoice | None, *, quiet: bool
) -> RebuildReport:
    language, choice = Language.load(), to or catalog.encoding.encoders().choice
    watch = TerminalWatch(quiet=quiet, doing="encoding", what="products")
    bench = Workbench(store, load_encoder(settings, language, choice), language, settings.data, choice)
    with watch.listening():
        return Rebuild(bench, catalog, watch).run(EncoderChoice.of(settings), _once(_waits), to=to)


def _waits() -> None:
    note("an ingest is running: the switch waits for its end, and what it adds is encoded meanwhile")


def _once(told: Callable[[], None]) -> Callable[[], None]:
    left = [told]
    return lambda: left.pop()() if left else None


def _tell(report: RebuildReport, chosen: str) -> None:
    made = f"{report.pictures_encoded:,} pictures and {report.texts_encoded:,} texts"
    if report.interrupted:
        note(f"interrupted: {made} were encoded and are kept; run the same command again for the rest")
        return
    note(f"encoded {made}; {report.seconds:,.1f} seconds in all")
    if report.unreadable:
        note(f"{report.unreadable:,} pictures can't be read any more: ingest their products again")
    if report.switched:
        typer.echo(f"switched {report.catalog} to {chosen} ({report.encoder})")
    else:
        typer.echo(f"rebuilt the indexes of {report.catalog} ({report.encoder})")
