"""The commands whose answers are the API's: search, batch-search, rerank, load, share; and the server's keys."""

from __future__ import annotations

import typer

from api.commands import asking, judging, keys, serving, sharing


def add_commands(app: typer.Typer) -> None:
    """Mounts this package's commands."""
    app.command()(asking.search)
    app.command()(asking.batch_search)
    app.command()(judging.rerank)
    app.command()(serving.load)
    app.command()(sharing.share)
    app.add_typer(keys.app, name="keys")
