"""So many searches and judgings at once, a short queue for more, and a refusal with a time for the rest."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.body_limit import MAX_BODY_BYTES, counted, patient
from api.errors import problem, refusal
from api.places import HELD, REFUSED, Limits, Places
from core.door_errors import AnswerTooSlow, ServerBusy

_PAGES = ("/", "/rerank")
_JUDGINGS = ("/api/rerank", "/v1/", "/v2/", "/rerank")


class Admission:
    """ASGI middleware: bounds the size and the time of every body, and the number and the time of what is work.

    A body is read before its request takes a place, so that no slow sender holds one. Searches and judgings have places
    of their own: whoever has a thousand documents judged keeps no shopper waiting.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._searches, self._judgings = Places(limits), Places(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, arriving = Request(scope), patient(receive)
        places = self._places_for(request)
        if places is None:
            await self._app(scope, counted(arriving), send)
            return
        try:
            read = await _read_ahead(request, arriving)
            await places.take()
        except HTTPException as error:
            refused = problem(HTTPStatus(error.status_code), str(error.detail), request)
            await refused(scope, receive, send)
        except ServerBusy as error:
            await self._refused(error, scope, counted(_replayed(read, arriving)), send)
        else:
            HELD.set(places)
            await self._worked(places, scope, counted(_replayed(read, arriving)), send)

    async def _refused(self, error: ServerBusy, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in _PAGES:
            await refusal(error, Request(scope))(scope, receive, send)
            return
        # A person is told so by the page itself, in which nothing that was typed is lost.
        REFUSED.set(error)
        await self._app(scope, receive, send)

    def _places_for(self, request: Request) -> Places | None:
        path, asks = request.scope["path"], request.method in ("GET", "POST")
        if path.startswith(_JUDGINGS) and request.method == "POST":
            return self._judgings
        form = path == "/" and bool(request.method == "POST" or request.scope["query_string"])
        similar = path.startswith("/api/products/") and path.endswith("/similar")
        searches = form or similar or path.startswith("/api/search")
        return self._searches if asks and searches else None

    async def _worked(self, places: Places, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the request in its place; the place is free again when the work has really ended."""
        answer = _Answer(send, places)
        working = asyncio.ensure_future(self._app(scope, receive, answer.send))
        working.add_done_callback(lambda _: answer.is_made())
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
    """What is sent, until it is given up; whoever reads it slowly holds no place meanwhile."""

    def __init__(self, send: Send, places: Places) -> None:
        self._send, self._places = send, places
        self._since, self._holds = time.monotonic(), True
        self.begun = self.given_up = False

    async def send(self, message: Message) -> None:
        if self.given_up:
            return
        self.begun = True
        has_more = message.get("more_body", False)
        if message["type"] == "http.response.body" and not has_more:
            self.is_made()
        if not (has_more and self._holds):
            await self._send(message)
            return
        self._holds = False
        self._places.give()
        await self._send(message)
        await self._places.take_again()
        self._holds = True

    def is_made(self) -> None:
        """There is nothing left to work on."""
        if self._holds:
            self._holds = False
            self._places.free(time.monotonic() - self._since)


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
