"""Real servers on this machine, over an application of the test's own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


@contextmanager
def listening(
    app: Any, *, http: type[asyncio.Protocol] | None = None, log_level: str = "error"
) -> Iterator[int]:
    """The port on 127.0.0.1 where the application is served meanwhile; `http` speaks for it in place of uvicorn's own."""
    server = uvicorn.Server(uvicorn.Config(app, http=http or "auto", log_level=log_level, port=0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address where the application is served meanwhile."""
    with listening(app, log_level="warning") as port:
        yield f"http://127.0.0.1:{port}"
