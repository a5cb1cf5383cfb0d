"""The commands of the read path: eval, catalog, index, doctor."""

from __future__ import annotations

import typer

from search.commands import housekeeping, judging, tuning


def add_commands(app: typer.Typer) -> None:
    """Mounts this package's commands."""
    app.command(name="eval")(judging.evaluate_catalog)
    app.add_typer(housekeeping.catalog, name="catalog")
    app.command()(housekeeping.doctor)
    housekeeping.index.command()(tuning.tune)
