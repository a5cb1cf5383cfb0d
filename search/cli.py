"""The commands of the read path: eval, catalog, index, doctor, backup, restore."""

from __future__ import annotations

import typer

from search.commands import backing_up, housekeeping, judging, tuning


def add_commands(app: typer.Typer) -> None:
    """Mounts this package's commands."""
    app.command(name="eval")(judging.evaluate_catalog)
    app.add_typer(housekeeping.catalog, name="catalog")
    app.command()(housekeeping.doctor)
    app.command()(backing_up.backup)
    app.command()(backing_up.restore)
    housekeeping.index.command()(tuning.tune)
