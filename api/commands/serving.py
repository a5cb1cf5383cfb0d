"""`lychee load`: listens, loads the models, serves; what else a command does meanwhile runs beside the server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated

import typer
import uvicorn

from api.app import create_app
from api.logs import set_up_logging
from api.patient_protocol import PatientProtocol
from api.sharing import Gate
from core.command import DataOption, note, settings_in_force
from core.errors import PortTaken
from core.settings import Settings
from core.writing import ProductWriter
from search.engine import SearchEngine
from search.opening import open_engine

HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on.  [default: 127.0.0.1]")]
PortOption = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.  [default: 7860]")
]
FINISHING_SECONDS = 30
"""What is under way when the server is told to stop is answered, unless it takes longer."""
Beside = Callable[[Settings], Awaitable[None]]
"""What runs once the server answers, and is cancelled when it ends; its error ends the server, too."""
OpenWriter = Callable[[Settings, SearchEngine], ProductWriter]
"""Opens the write path beside an engine; a command finds it in its context, where the root puts it."""


def load(
    context: typer.Context, data: DataOption = None, host: HostOption = None, port: PortOption = None
) -> None:
    """Load the models and serve the page and the API.

    Try:  lychee load   ·   lychee load --port 8000
    """
    serve(at_address(settings_in_force(data), host, port), open_writer=context.obj)


def at_address(settings: Settings, host: str | None, port: int | None) -> Settings:
    """The settings with the command line's address."""
    named = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update=named)


async def say_where(settings: Settings) -> None:
    """Says where the server is."""
    shown = "localhost" if settings.host in ("127.0.0.1", "::1", "localhost") else settings.host
    typer.echo(f"Running on local URL: http://{shown}:{settings.port}")


def serve(
    settings: Settings,
    *,
    open_writer: OpenWriter | None,
    gate: Gate | None = None,
    beside: Beside = say_where,
) -> None:
    """Serves until it is told to stop; PortTaken before any model is loaded."""
    set_up_logging(settings.log_format)
    with _listening(settings.host, settings.port) as listener:
        note("Loading model...")
        engine = open_engine(settings)
        for name in engine.store.names():
            engine.live(name)
        note("Model loaded successfully.")
        writer = None if open_writer is None else open_writer(settings, engine)
        app = create_app(settings, engine, gate, writer)
        config = uvicorn.Config(
            app,
            http=PatientProtocol,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=FINISHING_SECONDS,
        )
        asyncio.run(_serve(uvicorn.Server(config), listener, beside(settings)))


async def _serve(server: uvicorn.Server, listener: socket.socket, beside: Awaitable[None]) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.02)
    company = asyncio.ensure_future(beside)
    try:
        await asyncio.wait({serving, company}, return_when=asyncio.FIRST_COMPLETED)
        if company.done() and company.exception() is not None:
            server.should_exit = True
        await serving
    finally:
        company.cancel()
        with suppress(asyncio.CancelledError):
            await company


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTaken(host, port, error.strerror or str(error)) from error
    return listener
