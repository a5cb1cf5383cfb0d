"""`lychee share`: the server on the network, behind a password, with a QR code; and on a public address by a tunnel."""

from __future__ import annotations

import io
import socket
import sys
import time
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlencode

import segno
import typer

from api.commands.serving import Beside, PortOption, at_address, serve
from api.sharing import LINK_SECONDS, Gate, generated_password
from api.tunnel import TunnelPlan, open_tunnel, tunnel_plan
from core.command import DataOption, note, settings_in_force
from core.settings import Settings

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 the command is for being reached from elsewhere
_AFAR = ("192.0.2.1", "192.168.0.1", "10.0.0.1", "172.16.0.1")
"""Networks that a machine may be in: the way to each names our own address there."""


def share(
    context: typer.Context,
    data: DataOption = None,
    host: Annotated[
        str,
        typer.Option("--host", help="Address to listen on; 127.0.0.1 with --tunnel for the tunnel alone."),
    ] = _EVERYWHERE[0],
    port: PortOption = None,
    password: Annotated[
        str | None,
        typer.Option(
            "--password",
            envvar="LYCHEE_SHARE_PASSWORD",
            help="Password to ask for, 8 characters or more; a generated one unless given.",
        ),
    ] = None,
    tunnel: Annotated[
        str | None,
        typer.Option("--tunnel", help="Also open a public address: cloudflared, or ssh:HOST.", metavar="HOW"),
    ] = None,
) -> None:
    """Serve the page and the API to other machines, behind a password.

    Prints the addresses, the password, and a QR code that logs a phone in. Ctrl-C ends the sharing.

    Try:  lychee share   ·   lychee share --tunnel cloudflared   ·   lychee share --tunnel ssh:localhost.run
    """
    settings = at_address(settings_in_force(data), host, port)
    plan = tunnel_plan(tunnel, _own_side(settings)) if tunnel else None
    password = password or generated_password()
    gate = Gate(password)
    serve(settings, open_writer=context.obj, gate=gate, beside=_shared(gate, password, plan))


def _shared(gate: Gate, password: str, plan: TunnelPlan | None) -> Beside:
    """Says where the server is to be found, and keeps the tunnel open."""

    async def beside(settings: Settings) -> None:
        typer.echo(f"Running on local URL: http://localhost:{settings.port}")
        near = [f"http://{address}:{settings.port}" for address in _addresses(settings.host)]
        for address in near:
            typer.echo(f"On your network:      {address}")
        if plan is None:
            _invite(gate, password, near[0] if near else f"http://localhost:{settings.port}")
            return
        note(f"Opening a tunnel with {plan.program}...")
        async with open_tunnel(plan) as tunnel:
            public = await tunnel.address()
            typer.echo(f"Public address:       {public}")
            _invite(gate, password, public)
            ended = await tunnel.ended()
            note(f"lychee: the tunnel of {plan.program} is closed: {ended}; the public address is gone")

    return beside


def _invite(gate: Gate, password: str, address: str) -> None:
    """The password, and a QR code of the link that logs in."""
    typer.echo(f"Password:             {password}\n")
    link = f"{address}/login?{urlencode({'token': gate.link_token})}"
    try:
        typer.echo(_qr_code(link, on_screen=sys.stdout.isatty()))
    except UnicodeEncodeError:
        typer.echo(f"(this terminal can't show a QR code) {link}")
    until = time.strftime("%H:%M", time.localtime(time.time() + LINK_SECONDS))
    typer.echo(f"The code logs a phone in until {until}; after that, it asks for the password.")


def _qr_code(link: str, *, on_screen: bool) -> str:
    """The code in half blocks; on a screen, dark on light whatever the terminal's colours are."""
    drawn = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(drawn, border=2, compact=True)
    lines = drawn.getvalue().splitlines()
    return "\n".join(f"\x1b[40;97m{line}\x1b[0m" if on_screen else line for line in lines)


def _own_side(settings: Settings) -> str:
    """Where a tunnel on this machine finds the server."""
    host = "127.0.0.1" if settings.host in _EVERYWHERE else settings.host
    return f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"


def _addresses(host: str) -> list[str]:
    """Where other machines find a server that listens there."""
    if host not in _EVERYWHERE:
        return [] if host in ("127.0.0.1", "::1", "localhost") else [f"[{host}]" if ":" in host else host]
    return list(dict.fromkeys(_own_addresses()))


def _own_addresses() -> Iterator[str]:
    for afar in _AFAR:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            try:
                way.connect((afar, 9))  # Nothing is sent: the system only chooses the way.
            except OSError:
                continue
            yield way.getsockname()[0]
