"""What every `lychee` command shares: the options they all take, settings in force, JSON on stdout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from core.setting_reading import read_settings
from core.settings import Settings

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder.  [default: ./lychee-data, or LYCHEE_DATA]", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
CatalogOption = Annotated[str, typer.Option("--catalog", help="Name of the catalog.")]


def settings_in_force(data: Path | None = None) -> Settings:
    """The settings of the environment, with the command line's data folder; InvalidSettings names what doesn't fit."""
    return read_settings(data)


def print_json(document: Any) -> None:
    """One JSON document and a line end on stdout."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()


def print_json_line(document: Any) -> None:
    """One JSON document on one line of stdout."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")


def note(sentence: str) -> None:
    """A line for the person at the terminal, on stderr."""
    typer.echo(sentence, err=True)
