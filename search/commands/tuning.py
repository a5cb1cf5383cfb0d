"""`lychee index tune`: how hard searches look, set by the recall measured on the catalog's own vectors."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from core.catalog import CatalogStore
from core.command import DataOption, JsonOption, print_json, settings_in_force
from core.encoder import load_encoder
from core.language import Language
from core.publishing import VECTOR_CHANNELS, tune_channel
from core.vector_index import Tuned
from search.commands.housekeeping import NameArgument

COLUMNS = ("vectors", "lists", "looked into", "re-scored", "recall@10", "recall@100", "ms", "bytes a vector")


def tune(
    name: NameArgument = "products",
    recall: Annotated[
        float,
        typer.Option("--recall", min=0.5, max=0.9999, help="Part of the 100 nearest vectors to be found."),
    ] = 0.98,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set searches to a recall, measured on the catalog's own vectors, and say what it costs.

    What is added later is set to it, too. Up to 20,000 vectors every search is exact and nothing needs setting.

    Try:  lychee index tune   ·   lychee index tune shop --recall 0.995
    """
    settings = settings_in_force(data)
    catalog = CatalogStore.open(settings.url).catalog(name)
    encoder = load_encoder(settings, Language.load(), catalog.encoding.encoders().choice)
    found = {
        channel.value: tune_channel(settings.data, catalog, channel, encoder.fingerprint, recall)
        for channel in VECTOR_CHANNELS
    }
    if as_json:
        print_json({channel: [_plain(tuned) for tuned in segments] for channel, segments in found.items()})
        return
    table = Table("index", *COLUMNS, box=None)
    for channel, segments in found.items():
        for tuned in segments:
            table.add_row(channel, *_shown(tuned))
        if not segments:
            typer.echo(f"{channel}: so few vectors are compared one by one; every search is exact")
    if table.row_count:
        Console().print(table)


def _plain(tuned: Tuned) -> dict[str, float | None]:
    trial, effort = tuned.trial, tuned.effort
    return {
        "vectors": tuned.rows,
        "lists": tuned.lists,
        "looked_into": effort.probes,
        "re_scored": effort.pool(100),
        "recall_10": None if trial is None else trial.recall_short,
        "recall_100": None if trial is None else trial.recall_long,
        "milliseconds": round(tuned.milliseconds, 3),
        "bytes_a_vector": round(tuned.bytes_a_row, 1),
    }


def _shown(tuned: Tuned) -> list[str]:
    """One row of the table; a recall that can't be reached by the codes is left open."""
    values = list(_plain(tuned).values())
    return [
        "not reached" if value is None else f"{value:,.4g}" if value < 100 else f"{value:,.0f}"
        for value in values
    ]
