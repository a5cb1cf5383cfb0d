"""`lychee load`: listens, loads the models, serves."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Annotated

import typer
import uvicorn

from api.app import create_app
from core.command import DataOption, note, settings_in_force
from core.errors import PortTaken
from core.settings import Settings
from search.opening import open_engine

HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on.  [default: 127.0.0.1]")]
PortOption = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.  [default: 7860]")
]


def load(data: DataOption = None, host: HostOption = None, port: PortOption = None) -> None:
    """Load the models and serve the page and the API.

    Try:  lychee load   ·   lychee load --port 8000
    """
    serve(at_address(settings_in_force(data), host, port))


def at_address(settings: Settings, host: str | None, port: int | None) -> Settings:
    """The settings with the command line's address."""
    named = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update=named)


def serve(settings: Settings) -> None:
    """Serves until it is told to stop; PortTaken before any model is loaded."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    with _listening(settings.host, settings.port) as listener:
        note("Loading model...")
        engine = open_engine(settings)
        for name in engine.store.names():
            engine.live(name)
        note("Model loaded successfully.")
        config = uvicorn.Config(create_app(settings, engine), log_level="warning", access_log=False)
        asyncio.run(_serve(uvicorn.Server(config), listener, settings))


async def _serve(server: uvicorn.Server, listener: socket.socket, settings: Settings) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.02)
    shown = "localhost" if settings.host in ("127.0.0.1", "::1", "localhost") else settings.host
    typer.echo(f"Running on local URL: http://{shown}:{settings.port}")
    await serving


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
