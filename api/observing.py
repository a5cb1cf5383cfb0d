"""The outermost layer of the application: an id for every request, one line of log about it, and its metrics."""

from __future__ import annotations

import logging
import re
import time
import uuid
from urllib.parse import quote

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.crew import ALONE, Crew
from api.metrics import Metrics
from api.request_notes import NOTES, REQUEST_ID, RequestNotes, Searched
from api.routes import metrics as scraping
from api.tracing import Tracing
from search.engine import SearchEngine

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:=+/-]{1,64}")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_QUIET = ("/healthz", "/readyz", "/metrics", "/static")
"""Asked for so often that their lines would hide the others."""
log = logging.getLogger("lychee.request")


def observe(
    app: FastAPI, engine: SearchEngine, *, tracing: Tracing, log_queries: bool, crew: Crew = ALONE
) -> None:
    """Puts the layer around the application and opens /metrics; to be called after all other layers are there."""
    app.state.metrics = Metrics(engine, crew)
    app.include_router(scraping.router)
    app.add_middleware(Observing, metrics=app.state.metrics, tracing=tracing, log_queries=log_queries)


class Observing:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing, *, log_queries: bool) -> None:
        """`log_queries` puts the words of searches into the log."""
        self._app, self._metrics, self._tracing, self._log_queries = app, metrics, tracing, log_queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        notes = RequestNotes(_id_of(scope), trace=self._tracing.current())
        NOTES.set(notes)
        # Where nothing is answered any more, the layer outside of this one answers 500.
        status, started = 500, time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = notes.request_id
            await send(message)

        with self._metrics.in_flight.track_inprogress():
            try:
                await self._app(scope, receive, sending)
            finally:
                self._end(scope, notes, status, time.perf_counter() - started)

    def _end(self, scope: Scope, notes: RequestNotes, status: int, seconds: float) -> None:
        route, method = _route_of(scope), scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(route, method, status, seconds)
        for searched in notes.searched:
            self._metrics.searched(searched.answer, searched.catalog)
        level = logging.DEBUG if route in _QUIET and status < 400 else logging.INFO
        # Quoted, and without what follows the question mark: a path may hold line ends, and the rest holds queries.
        path, milliseconds = quote(scope["path"]), round(1000 * seconds, 1)
        facts = {"method": method, "path": path, "route": route, "status": status, "took_ms": milliseconds}
        searches = [self._facts(searched) for searched in notes.searched]
        line = (method, path, status, milliseconds)
        log.log(
            level,
            "%s %s %d %s ms",
            *line,
            extra={"facts": facts | ({"searches": searches} if searches else {})},
        )

    def _facts(self, searched: Searched) -> dict[str, object]:
        answer, took = searched.answer, searched.answer.took
        stages = {
            name: round(getattr(took, name), 1)
            for name in ("encode", "recall", "metadata", "rerank", "total")
        }
        words = {"query": searched.words} if self._log_queries else {}
        return words | {
            "query_id": answer.query_id,
            "catalog": searched.catalog,
            "hits": len(answer.hits),
            "total": answer.total.value,
            "rerank": answer.rerank.status,
            "scored": answer.rerank.scored,
            "took_ms": stages,
        }


def _id_of(scope: Scope) -> str:
    """What the caller says, where that can stand in a header and in a log; a new one otherwise."""
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex


def _route_of(scope: Scope) -> str:
    """The route's pattern, never the address: there must not be one name for each product."""
    pattern = getattr(scope.get("route"), "path", None)
    if pattern is not None:
        return str(pattern)
    return "/static" if scope["path"].startswith("/static/") else "none"
