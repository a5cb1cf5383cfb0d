"""The heavy half of tracing, loaded only where traces are exported: OpenTelemetry's SDK, and its exporter by OTLP."""

from __future__ import annotations

from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from api.tracing import SERVICE

HIDDEN = "REDACTED"
_QUERY = "url.query"


class WithoutQueries(SpanProcessor):
    """Hides what follows the question mark of an address: words of searches, and the token of a link that logs in."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Before anybody else sees the span."""
        if _QUERY in (span.attributes or {}):
            span.set_attribute(_QUERY, HIDDEN)


def provider_to(*exporting: SpanProcessor) -> TracerProvider:
    """A provider of spans that go there; sampling and limits as OpenTelemetry's variables say."""
    ours = Resource.create({"service.name": SERVICE, "service.version": version(SERVICE)})
    # Its own names go before ours, whichever variable they come from.
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    for processor in (WithoutQueries(), *exporting):
        provider.add_span_processor(processor)
    return provider


def exporting_provider() -> TracerProvider:
    """A provider whose spans are exported to where OpenTelemetry's variables say, in the background."""
    return provider_to(BatchSpanProcessor(OTLPSpanExporter()))
