"""Traces of requests, of the stages of searches, and of writes: the one module that knows OpenTelemetry."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, StatusCode, Tracer

from api.request_notes import Searched
from core.settings import Settings
from core.trace_settings import traces_are_wanted, why_no_traces
from core.writing import ProductWriter, Written

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SERVICE = "lychee-search"
_UNTRACED = ("/healthz", "/readyz", "/metrics", "/favicon.ico")
_UNTRACED_BELOW = "/static/"
_OFF = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)
"""FastAPI would export addresses with the words of searches in them wherever a process has a provider of its own."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """Where spans go; nowhere without a provider."""

    provider: TracerProvider | None = None
    log_queries: bool = False
    """Whether spans may have the words of searches."""

    def telemetry(self) -> TelemetryConfig:
        """What FastAPI, which makes the spans of requests, is to do."""
        if self.provider is None:
            return _OFF
        return TelemetryConfig(
            **{**_OFF, "tracing": True, "tracer_provider": self.provider, "exclude": _is_quiet}
        )

    def lifespan(self) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
        """What runs around the server: in the end, spans that wait are exported."""

        @asynccontextmanager
        async def around(_: FastAPI) -> AsyncIterator[None]:
            yield
            if self.provider is not None:
                await to_thread.run_sync(self.provider.shutdown)

        return around

    def current(self) -> RequestTrace | None:
        """The trace of the request that is being answered."""
        span = trace.get_current_span()
        if self.provider is None or not span.get_span_context().is_valid:
            return None
        return RequestTrace(_tracer(self.provider), contexts.get_current(), self.log_queries)

    def writer(self, writer: ProductWriter | None) -> ProductWriter | None:
        """The same writer, with a span for each of its writes."""
        if writer is None or self.provider is None:
            return writer
        return TracedWriter(writer, _tracer(self.provider))


UNTRACED = Tracing()


@dataclass(frozen=True, slots=True)
class RequestTrace:
    """The trace that a request is part of; see api/request_notes.py."""

    tracer: Tracer
    around: Context
    log_queries: bool

    @property
    def trace_id(self) -> str:
        """As headers and other programs write it."""
        return trace.format_trace_id(trace.get_current_span(self.around).get_span_context().trace_id)

    def searched(self, searched: Searched) -> None:
        """A span for a search that has ended, and one in it for each of its stages."""
        answer, took = searched.answer, searched.answer.took
        # Stages are timed by a clock that never jumps; what it said so long ago is this long ago.
        wall = time.time_ns() - int(1e9 * time.perf_counter())

        def at(seconds: float) -> int:
            return wall + int(1e9 * seconds)

        facts: dict[str, str | int] = {
            "lychee.catalog": searched.catalog,
            "lychee.query_id": answer.query_id,
            "lychee.hits": len(answer.hits),
            "lychee.total": answer.total.value,
            "lychee.rerank.status": answer.rerank.status,
            "lychee.rerank.scored": answer.rerank.scored,
        }
        if self.log_queries:
            facts["lychee.query"] = searched.words
        span = self.tracer.start_span("search", self.around, attributes=facts, start_time=at(took.began))
        within = trace.set_span_in_context(span, self.around)
        for lap in took.laps:
            self.tracer.start_span(lap.stage, within, start_time=at(lap.began)).end(at(lap.ended))
        span.end(at(took.began + took.total / 1000))


@dataclass(frozen=True, slots=True)
class TracedWriter:
    """Writes as the one within does, and leaves a span for it."""

    within: ProductWriter
    tracer: Tracer

    def put(self, catalog: str, entries: Sequence[Mapping[str, object]]) -> Written:
        """As ProductWriter.put."""
        with self._span("put products", catalog) as span:
            span.set_attribute("lychee.products", len(entries))
            written = self.within.put(catalog, entries)
            for name in ("stored", "updated", "unchanged"):
                span.set_attribute(f"lychee.{name}", getattr(written, name))
            span.set_attribute("lychee.rejected", len(written.rejected))
        return written

    def remove(self, catalog: str, product_id: str) -> None:
        """As ProductWriter.remove."""
        with self._span("remove product", catalog):
            self.within.remove(catalog, product_id)

    @contextmanager
    def _span(self, name: str, catalog: str) -> Iterator[Span]:
        span = self.tracer.start_span(name, attributes={"lychee.catalog": catalog})
        try:
            # An error's name and no more: what it says may be of a product's texts.
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            span.end()


def open_tracing(settings: Settings) -> Tracing:
    """What OpenTelemetry's variables ask for: nothing is loaded for it where they ask for nothing."""
    if not traces_are_wanted(os.environ) or why_no_traces(os.environ) is not None:
        return UNTRACED
    from api.span_export import exporting_provider  # heavy: the SDK and an HTTP client

    return Tracing(exporting_provider(), settings.log_queries)


def _tracer(provider: TracerProvider) -> Tracer:
    return provider.get_tracer(SERVICE, version(SERVICE))


def _is_quiet(scope: MutableMapping[str, Any]) -> bool:
    """Asked for so often, and so alike, that their traces would hide the others."""
    return scope["path"] in _UNTRACED or scope["path"].startswith(_UNTRACED_BELOW)
