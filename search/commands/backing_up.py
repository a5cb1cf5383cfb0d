"""`lychee backup`, `lychee restore`: a data folder as a whole, copied while it is in use, and put back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.backup import Backup, back_up
from core.backup import restore as put_back
from core.command import DataOption, JsonOption, print_json, settings_in_force


def backup(
    target: Annotated[Path, typer.Argument(metavar="DEST", help="Folder that is not there yet.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the whole data folder while servers and ingests go on: catalog, pictures, indexes, keys.

    Keep the copy as safe as the folder itself. What can be made anew is left out.

    Try:  lychee backup /backups/monday   ·   lychee restore /backups/monday --data restored
    """
    settings = settings_in_force(data)
    _tell(back_up(settings.data, settings.url, target), target, as_json=as_json)


def restore(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder that `lychee backup` made.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup back into a data folder that has no catalog; every byte is checked before.

    Try:  lychee restore /backups/monday --data restored
    """
    settings = settings_in_force(data)
    _tell(put_back(source, settings.data, settings.url), settings.data, as_json=as_json)


def _tell(done: Backup, place: Path, *, as_json: bool) -> None:
    files, size = len(done.files), done.bytes
    if as_json:
        print_json({"folder": str(place), "files": files, "bytes": size, "taken": done.taken})
        return
    typer.echo(f"{place}: {files:,} files, {size / 1e6:,.1f} MB, as of {done.taken}")
