"""Routes that take large bodies, up to a limit; what is larger is refused before it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MAX_BODY_BYTES = 64_000_000
PAUSE_SECONDS = 10.0
"""Without a byte of a body that isn't all there."""
BODY_SECONDS = 60.0
"""For a whole body."""


class BoundedRoute(APIRoute):
    """A route that reads no more than MAX_BODY_BYTES, whatever the request says of its length."""

    # FastAPI's own max_body_size answers in plain text; our refusals are problems in JSON.
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, counting what it reads."""
        handle = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            declared = request.headers.get("content-length", "")
            if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
                raise _too_large()
            return await handle(Request(request.scope, counted(request.receive)))

        return bounded


def counted(receive: Receive) -> Receive:
    """The same, until more than MAX_BODY_BYTES have come: then an HTTPException of 413."""
    received = 0

    async def receiving() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise _too_large()
        return message

    return receiving


def patient(receive: Receive) -> Receive:
    """The same, for as long as a body may pause and may take in all: then an HTTPException of 408."""
    ends: float | None = None
    complete = False

    async def receiving() -> Message:
        nonlocal ends, complete
        if complete:
            # What comes now is that the client goes away, which may take as long as the answer does.
            return await receive()
        now = asyncio.get_running_loop().time()
        ends = now + BODY_SECONDS if ends is None else ends
        try:
            message = await asyncio.wait_for(receive(), max(0.0, min(PAUSE_SECONDS, ends - now)))
        except TimeoutError as error:
            raise HTTPException(
                HTTPStatus.REQUEST_TIMEOUT, "the request's body did not come in time"
            ) from error
        complete = not message.get("more_body", False)
        return message

    return receiving


def _too_large() -> HTTPException:
    reason = f"the request is larger than {MAX_BODY_BYTES // 1_000_000} MB; send the documents in parts"
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
