"""`lychee keys`: makes, lists, revokes and rotates the keys that programs send to a server."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from api.keys import Allowed, Key, Keyring
from core.command import DataOption, JsonOption, note, print_json, settings_in_force
from core.settings import RATE, check_origin

app = typer.Typer(
    help="Keys that programs send to a server; a running one follows every change at once.",
    no_args_is_help=True,
)
KeyArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The key's id, as `lychee keys list` shows it.")
]


@app.command()
def create(
    *,
    name: Annotated[str, typer.Option("--name", help="What the key is for, in your words.")] = "",
    search: Annotated[bool, typer.Option("--search", help="A key that may search, and not write.")] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin", help="Site whose pages alone may send it: https://shop.example; repeatable."
        ),
    ] = None,
    catalog: Annotated[
        list[str] | None,
        typer.Option("--catalog", help="Catalog that it is for; repeatable.  [default: all]"),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            "--rate", help="Units of work it may ask for: 600/minute.  [default: LYCHEE_RATE_LIMIT]"
        ),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key, and show it this once: for writing over HTTP, or with --search for searching alone.

    Try:  lychee keys create --name "stock system"   ·   lychee keys create --search --origin https://shop.example
    """
    if (origin or catalog or rate) and not search:
        raise typer.BadParameter("--origin, --catalog and --rate are for keys that search; add --search")
    if rate is not None and not re.match(RATE, rate):
        raise typer.BadParameter("--rate is like 600/minute: a number per second, minute, hour or day")
    for each in origin or ():
        try:
            check_origin(each)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    allowed = Allowed(tuple(origin or ()), tuple(catalog or ()), rate)
    key, token = _keyring(data).create("search" if search else "admin", name, allowed)
    _show_once(key, token, as_json=as_json)


@app.command(name="list")
def list_keys(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show which keys there are; the keys themselves are not kept.

    Try:  lychee keys list --json
    """
    keys = _keyring(data).keys()
    if as_json:
        print_json([_plain(key) for key in keys])
        return
    for key in keys:
        state = f"revoked {key.revoked}" if key.revoked else "in force"
        typer.echo(f"{key.id}\t{key.kind}\t{state}\tmade {key.created}\t{key.name}")
    note(f"{sum(key.revoked is None for key in keys):,} keys in force")


@app.command()
def revoke(key_id: KeyArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """End a key: servers refuse it from their next request on.

    Try:  lychee keys revoke 1a2b3c4d
    """
    key = _keyring(data).revoke(key_id)
    if as_json:
        print_json(_plain(key))
    else:
        typer.echo(f"key {key.id} is revoked")


@app.command()
def rotate(key_id: KeyArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Give a key another secret, and show it this once; the one before ends now.

    Where both should work for a while, create another key, and revoke this one later.

    Try:  lychee keys rotate 1a2b3c4d
    """
    key, token = _keyring(data).rotate(key_id)
    _show_once(key, token, as_json=as_json)


def _keyring(data: DataOption) -> Keyring:
    return Keyring(settings_in_force(data).data)


def _show_once(key: Key, token: str, *, as_json: bool) -> None:
    if as_json:
        print_json({**_plain(key), "key": token})
        return
    typer.echo(token)
    note(
        f"key {key.id} may {'write' if key.kind == 'admin' else 'search'}; keep it now: it is not shown again"
    )


def _plain(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "kind": key.kind,
        "name": key.name,
        "created": key.created,
        "revoked": key.revoked,
        "origins": list(key.origins),
        "catalogs": list(key.catalogs),
        "rate": key.rate,
    }
