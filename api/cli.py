"""The commands whose answers are the API's: search, batch-search, load."""

from __future__ import annotations

import typer

from api.commands import asking, serving


def add_commands(app: typer.Typer) -> None:
    """Mounts this package's commands."""
    app.command()(asking.search)
    app.command()(asking.batch_search)
    app.command()(serving.load)
