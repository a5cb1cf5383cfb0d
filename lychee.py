"""The `lychee` command: mounts each package's own commands, no logic."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

import api.cli
import indexer.cli
import search.cli
from api.commands import serving
from core.command import DataOption, settings_in_force
from core.errors import LycheeError
from indexer.putting import open_writer


def _leave(code: object, **_: object) -> None:
    """What a command returns is its exit code."""
    if isinstance(code, int) and code:
        raise typer.Exit(code)


app = typer.Typer(
    result_callback=_leave,
    name="lychee",
    help="Product search by words and by picture.\n\n"
    "Try:  lychee demo   ·   lychee ingest products.csv   ·   lychee search 浅粉色连衣裙",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for commands in (indexer.cli, search.cli, api.cli):
    commands.add_commands(app)


@app.command()
def demo(data: DataOption = None, host: serving.HostOption = None, port: serving.PortOption = None) -> None:
    """Ingest the demo shop that ships with the product, then serve it.

    Try:  lychee demo   ·   lychee demo --port 8000
    """
    settings = serving.at_address(settings_in_force(data), host, port)
    indexer.cli.ingest_demo(settings)
    serving.serve(settings, open_writer=open_writer)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and answers its exit code; an error that a user can mend is a sentence on stderr."""
    try:
        # The server's write path comes from here, for api and indexer never meet.
        app(arguments, obj=open_writer)
    except LycheeError as error:
        for sentence in str(error).splitlines():
            typer.echo(f"lychee: {sentence}", err=True)
        return error.exit_code
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 0
    return 0


def main() -> None:
    """The console script."""
    sys.exit(run())


if __name__ == "__main__":
    main()
