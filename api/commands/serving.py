"""`lychee load`: listens, loads the models, serves; what else a command does meanwhile runs beside the server."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer
import uvicorn
from threadpoolctl import threadpool_limits

from api.crew import Crew, gathered
from api.hosts import with_hosts
from api.keys import Keyring
from api.logs import set_up_logging
from api.patient_protocol import PatientProtocol
from api.sharing import Gate
from api.tracing import open_tracing
from api.turns import TakingTurns
from api.workers import Workers, check_workers
from core.command import DataOption, note, settings_in_force
from core.errors import InvalidSetting, PortTaken
from core.language import Language
from core.setting_checks import host_problem
from core.setting_names import unknown_settings
from core.settings import Settings
from core.trace_settings import why_no_traces
from core.writing import ProductWriter
from search.engine import SearchEngine
from search.opening import load_forkable, open_engine

HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on.  [default: 127.0.0.1]")]
PortOption = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.  [default: 7860]")
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers",
        min=1,
        help="Processes that serve together, at most four a processor. Each loads the models for itself: with the "
        "lychee judge use one, or LYCHEE_RERANKER=remote.",
    ),
]
FINISHING_SECONDS = 30
"""What is under way when the server is told to stop is answered, unless it takes longer."""
Beside = Callable[[Settings], Awaitable[None]]
"""What runs once the server answers, and is cancelled when it ends; its error ends the server, too."""
OpenWriter = Callable[[Settings, SearchEngine], ProductWriter]
"""Opens the write path beside an engine; a command finds it in its context, where the root puts it."""


def load(
    context: typer.Context,
    data: DataOption = None,
    host: HostOption = None,
    port: PortOption = None,
    workers: WorkersOption = 1,
) -> None:
    """Load the models and serve the page and the API.

    Try:  lychee load   ·   lychee load --port 8000   ·   lychee load --workers 2
    """
    settings = at_address(settings_in_force(data), host, port)
    if workers == 1:
        serve(settings, open_writer=context.obj)
    else:
        check_workers(workers, settings, Keyring(settings.data))
        serve_by_several(workers, settings, open_writer=context.obj)


def at_address(settings: Settings, host: str | None, port: int | None) -> Settings:
    """The settings with the command line's address, and the names that the server there is asked by; InvalidSetting."""
    if host is not None and (reason := host_problem(host)) is not None:
        raise InvalidSetting("--host", host, reason)
    named = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return with_hosts(settings.model_copy(update=named))


def where(settings: Settings) -> str:
    """The line that says where the server is."""
    shown = "localhost" if settings.host in ("127.0.0.1", "::1", "localhost") else settings.host
    return f"Running on local URL: http://{shown}:{settings.port}"


async def say_where(settings: Settings) -> None:
    """Says where the server is."""
    typer.echo(where(settings))


def serve(
    settings: Settings,
    *,
    open_writer: OpenWriter | None,
    gate: Gate | None = None,
    beside: Beside = say_where,
) -> None:
    """Serves until it is told to stop; PortTaken before any model is loaded."""
    with _begun(settings) as listener, gathered() as crew:
        note("Loading model...")
        server = _opened(settings, open_writer, gate=gate, crew=crew)
        note("Model loaded successfully.")
        asyncio.run(_serve(server, listener, beside(settings)))


def serve_by_several(workers: int, settings: Settings, *, open_writer: OpenWriter | None) -> None:
    """The same by several processes on one socket, which begin only after the port is known to be free."""

    def complete() -> None:
        note("Model loaded successfully.")
        typer.echo(where(settings))

    with _begun(settings) as listener, gathered(workers) as crew:
        if settings.reranker_name == "lychee":
            note("each worker loads the lychee judge for itself; with LYCHEE_RERANKER=remote all ask one")
        note("Loading model...")
        # From here on prometheus_client may be imported: it counts in the crew's folder.
        from api.metrics import forget_process

        language = load_forkable(settings)

        def work(ready: Callable[[], None]) -> None:
            async def tell(_: Settings) -> None:
                ready()

            server = _opened(settings, open_writer, crew=crew, language=language)
            asyncio.run(_serve(server, TakingTurns.of(listener), tell(settings)))

        Workers(
            workers,
            work,
            finishing_seconds=FINISHING_SECONDS + 5,
            buried=lambda process: forget_process(process, crew),
        ).run(complete)


@contextmanager
def _begun(settings: Settings) -> Iterator[socket.socket]:
    set_up_logging(settings.log_format)
    for unknown in unknown_settings():
        note(str(unknown))
    if (missing := why_no_traces(os.environ)) is not None:
        note(f"lychee: {missing}")
    with listening(settings.host, settings.port) as listener:
        yield listener


def _opened(
    settings: Settings,
    open_writer: OpenWriter | None,
    *,
    gate: Gate | None = None,
    crew: Crew,
    language: Language | None = None,
) -> uvicorn.Server:
    """A server with its models loaded and its catalogs open."""
    from api.app import create_app  # not before it is known where its metrics are counted

    # A second thread of numpy's waits for its share in a busy loop: half the work of a search, and another one's core.
    threadpool_limits(1, user_api="blas")
    engine = open_engine(settings, language, crew.windows)
    for name in engine.store.names():
        engine.live(name)
    writer = None if open_writer is None else open_writer(settings, engine)
    config = uvicorn.Config(
        create_app(settings, engine, gate, writer, crew=crew, tracing=open_tracing(settings)),
        http=PatientProtocol,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=FINISHING_SECONDS,
    )
    return uvicorn.Server(config)


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


def listening(host: str, port: int) -> socket.socket:
    """The server's socket; PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its protocol's name: asyncio turns Nagle's delay off for no other, and an answer's second packet waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTaken(host, port, error.strerror or str(error)) from error
    return listener
