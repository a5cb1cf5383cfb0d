"""So many searches and judgings at once, a short queue for more, and a refusal with a time for the rest."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.body_limit import MAX_BODY_BYTES, counted, patient
from api.errors import problem, refusal
from core.door_errors import AnswerTooSlow, ServerBusy
from core.settings import Settings

_JUDGES = ("/api/search", "/api/rerank", "/v1/", "/v2/", "/1/")
_AGAIN_AFTER_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work one process takes on."""

    at_once: int
    queue: int
    """Requests that wait for their turn; further ones are refused at once."""
    queue_seconds: float
    request_seconds: float
    """After which a request that has no answer yet is given up."""

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """As many at once as there are cores, unless the settings say."""
        at_once = settings.at_once or max(2, len(os.sched_getaffinity(0)))
        return cls(at_once, settings.queue, settings.queue_ms / 1000, settings.request_seconds)


class Slots:
    """Places for work, handed on in the order of asking; safe for many threads and event loops."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._free = limits, limits.at_once
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        self._lock = threading.Lock()

    async def take(self) -> None:
        """Waits for a place; ServerBusy where too many wait already, or the wait is over."""
        loop = asyncio.get_running_loop()
        turn = (loop, loop.create_future())
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if len(self._waiting) >= self._limits.queue:
                raise ServerBusy(_AGAIN_AFTER_SECONDS)
            self._waiting.append(turn)
        try:
            await asyncio.wait_for(asyncio.shield(turn[1]), self._limits.queue_seconds)
        except BaseException as error:
            if self._left(turn):
                raise (
                    ServerBusy(_AGAIN_AFTER_SECONDS) if isinstance(error, TimeoutError) else error
                ) from None
            if not isinstance(error, TimeoutError):
                self.give()
                raise

    def give(self) -> None:
        """Hands the place to who has waited longest."""
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            loop, turn = self._waiting.popleft()
        try:
            loop.call_soon_threadsafe(_begin, turn)
        except RuntimeError:  # its loop is closed: nobody waits there any more
            self.give()

    def _left(self, turn: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]) -> bool:
        """Leaves the queue; False for who was just given a place."""
        with self._lock:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True


def _begin(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


class Admission:
    """ASGI middleware: bounds the size and the time of every body, and the number and the time of what is work.

    A body is read before its request takes a place, so that no slow sender holds one.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits, self._slots = app, limits, Slots(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, arriving = Request(scope), patient(receive)
        if not _is_work(request):
            await self._app(scope, counted(arriving), send)
            return
        try:
            read = await _read_ahead(request, arriving)
            await self._slots.take()
        except HTTPException as error:
            refused = problem(HTTPStatus(error.status_code), str(error.detail), request)
            await refused(scope, receive, send)
        except ServerBusy as error:
            await refusal(error, request)(scope, receive, send)
        else:
            await self._worked(scope, counted(_replayed(read, arriving)), send)

    async def _worked(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the request in its place; the place is free again when the work has really ended."""
        answer = _Answer(send)
        working = asyncio.ensure_future(self._app(scope, receive, answer.send))
        working.add_done_callback(lambda _: self._slots.give())
        try:
            await asyncio.wait({working}, timeout=self._limits.request_seconds)
            if working.done() or answer.begun:
                await working
                return
        except asyncio.CancelledError:
            working.cancel()
            raise
        # A thread can't be stopped; what it says from here on, nobody hears.
        answer.given_up = True
        working.add_done_callback(lambda done: done.cancelled() or done.exception())
        seconds = self._limits.request_seconds
        refused = refusal(AnswerTooSlow(seconds), Request(scope))
        await refused(scope, receive, send)


class _Answer:
    """What is sent, until it is given up."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = self.given_up = False

    async def send(self, message: Message) -> None:
        if not self.given_up:
            self.begun = True
            await self._send(message)


def _is_work(request: Request) -> bool:
    path, asks = request.url.path, request.method in ("GET", "POST")
    form = path == "/" and bool(request.method == "POST" or request.url.query)
    similar = path.startswith("/api/products/") and path.endswith("/similar")
    return asks and (
        form or similar or path.startswith(_JUDGES) or (path, request.method) == ("/rerank", "POST")
    )


async def _read_ahead(request: Request, receive: Receive) -> list[Message]:
    """The body's messages; of one that is too large, so much that whoever takes them sees it."""
    declared = request.headers.get("content-length", "")
    if request.method == "GET" or (declared.isdecimal() and int(declared) > MAX_BODY_BYTES):
        return []
    messages, size, more = [], 0, True
    while more and size <= MAX_BODY_BYTES:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    return messages


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    waiting = deque(messages)

    async def receiving() -> Message:
        return waiting.popleft() if waiting else await receive()

    return receiving
