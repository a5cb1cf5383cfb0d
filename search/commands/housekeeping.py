"""`lychee catalog`, `lychee index`, `lychee doctor`: what there is, whether it is sound, and how it is set up."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from core.catalog import CatalogStore
from core.command import DataOption, JsonOption, print_json, print_json_line, settings_in_force
from core.encoder import load_encoder
from core.encoder_choice import EncoderChoice
from core.errors import UnknownCatalog
from core.language import Language
from core.setting_reading import read_settings
from search.checking import Finding, check_catalog, check_settings, check_setup
from search.machine import check_judge, check_machine

catalog = typer.Typer(help="List, show, export and remove catalogs.", no_args_is_help=True)
index = typer.Typer(help="Rebuild, switch, tune and check the vector indexes.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name of the catalog.")]


@catalog.command(name="list")
def list_catalogs(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the catalogs."""
    store = CatalogStore.open(settings_in_force(data).url)
    rows = [{"name": name, **asdict(store.catalog(name).counts())} for name in store.names()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['name']}: {row['products']:,} products, {row['pictures']:,} pictures")


@catalog.command()
def show(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show one catalog."""
    settings = settings_in_force(data)
    shown = CatalogStore.open(settings.url).catalog(name)
    encoders = shown.encoding.encoders()
    document = {
        "name": name,
        "index_fields": list(shown.index_fields),
        "revision": shown.revision(),
        "encoder": str(encoders.choice or EncoderChoice.of(settings)),
        "encoder_before": None if encoders.before is None else str(encoders.before),
        "encoded_by": encoders.fingerprint,
        **asdict(shown.counts()),
    }
    if as_json:
        print_json(document)
        return
    for field, value in document.items():
        typer.echo(f"{field}: {value}")


@catalog.command()
def export(name: NameArgument, data: DataOption = None) -> None:
    """Print every product of a catalog as JSON lines, ready to be ingested again."""
    for product in CatalogStore.open(settings_in_force(data).url).catalog(name).export():
        row = {key: value for key, value in asdict(product).items() if value not in (None, "", (), {})}
        # As columns alone: a feed's `titles` would be read as an attribute.
        titles = {f"title_{lang}": title for lang, title in row.pop("titles", {}).items()}
        print_json_line(row | titles)


@catalog.command()
def remove(name: NameArgument, data: DataOption = None) -> None:
    """Remove a catalog and its indexes; pictures that other catalogs may share stay."""
    settings = settings_in_force(data)
    store = CatalogStore.open(settings.url)
    if name not in store.names():
        raise UnknownCatalog(name, store.names())
    store.remove(name)
    shutil.rmtree(settings.data / "index" / name, ignore_errors=True)
    typer.echo(f"removed {name}")


@index.command()
def check(name: NameArgument = "products", data: DataOption = None, as_json: JsonOption = False) -> int:
    """Check every byte of the published indexes against their manifests and the catalog, and what is encoded."""
    settings = settings_in_force(data)
    checked = CatalogStore.open(settings.url).catalog(name)
    encoder = load_encoder(settings, Language.load(), checked.encoding.encoders().choice)
    return _reported(check_catalog(settings, checked, encoder.fingerprint), as_json=as_json)


def doctor(data: DataOption = None, as_json: JsonOption = False) -> int:
    """Print every setting with its source, and find what is set up wrongly.

    Try:  lychee doctor   ·   lychee doctor --json
    """
    settings = read_settings(data, with_misfits=True)
    findings = [*check_settings(settings), *check_machine(settings), check_judge(settings)]
    findings += check_setup(settings)
    return _reported(findings, as_json=as_json)


def _reported(findings: list[Finding], *, as_json: bool) -> int:
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table("", "what", "", box=None, show_header=False)
        for finding in findings:
            table.add_row("ok" if finding.sound else "[red]WRONG[/]", finding.what, finding.detail)
        Console().print(table)
    return 0 if all(finding.sound for finding in findings) else 1
