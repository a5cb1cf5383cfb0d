"""Traces: a span for each request, for its searches with their stages, and for writes; exported where it is asked for."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from api.app import create_app
from api.logs import JsonLines, TextLines
from api.span_export import provider_to
from api.tracing import UNTRACED, Tracing, open_tracing
from core.settings import Settings
from core.trace_settings import traces_are_wanted, why_no_traces
from indexer.putting import CatalogWriter
from search.machine import check_traces
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
ADMIN = {"x-api-key": "an admin key of the tests"}
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def traced(shop: Shop, spans: InMemorySpanExporter, **settings: object) -> TestClient:
    made = Settings.model_validate({"data": shop.data, "admin_key": ADMIN["x-api-key"], **settings})
    engine = coloured_shop(shop).engine(WordJudge())
    tracing = Tracing(provider_to(SimpleSpanProcessor(spans)), made.log_queries)
    app = create_app(made, engine, None, CatalogWriter(engine, shop.data), tracing=tracing)
    return TestClient(app, raise_server_exceptions=False)


def ended(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """The spans by name."""
    return {span.name: span for span in spans.get_finished_spans()}


def parent_of(span: ReadableSpan) -> str | None:
    return None if span.parent is None else format_span_id(span.parent.span_id)


def id_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return format_span_id(span.context.span_id)


def all_that_is_said(spans: Sequence[ReadableSpan]) -> str:
    return "\n".join(span.to_json() for span in spans)


def test_a_search_is_a_span_of_its_request_with_its_stages_in_it(
    shop: Shop, spans: InMemorySpanExporter
) -> None:
    answer = traced(shop, spans).post("/api/search", json={"query": {"text": "red shoe"}, "limit": 2}).json()

    by_name = ended(spans)
    request, search = by_name["POST /api/search"], by_name["search"]
    assert parent_of(request) is None
    assert parent_of(search) == id_of(request)
    stages = [by_name[name] for name in ("encode", "recall", "rerank", "metadata")]
    assert {parent_of(stage) for stage in stages} == {id_of(search)}
    times = [each for stage in stages for each in (stage.start_time, stage.end_time)]
    assert times == sorted(times)  # type: ignore[type-var]
    assert request.start_time <= search.start_time <= times[0]  # type: ignore[operator]
    assert times[-1] <= search.end_time <= request.end_time  # type: ignore[operator]
    facts = dict(search.attributes or {})
    assert facts == {
        "lychee.catalog": "products", "lychee.query_id": answer["query_id"], "lychee.hits": 2, "lychee.total": 6,
        "lychee.rerank.status": "full", "lychee.rerank.scored": 6,
    }  # fmt: skip
    assert (request.attributes or {})["http.response.status_code"] == 200


def test_a_trace_that_a_caller_began_goes_on(shop: Shop, spans: InMemorySpanExporter) -> None:
    traced(shop, spans).get("/api/search?q=red", headers=TRACEPARENT)

    assert {
        format_trace_id(span.context.trace_id) for span in spans.get_finished_spans() if span.context
    } == {TRACE}
    assert parent_of(ended(spans)["GET /api/search"]) == CALLER


@pytest.mark.parametrize(
    "odd", ["", "x", f"00-{'0' * 32}-{CALLER}-01", f"00-{TRACE}-{CALLER}-01\r\nx: y", "é" * 400]
)
def test_an_odd_traceparent_begins_a_trace_of_its_own(
    shop: Shop, spans: InMemorySpanExporter, odd: str
) -> None:
    headers = {b"traceparent": odd.encode()}
    client = traced(shop, spans)

    assert client.get("/api/search?q=red", headers=headers).status_code == 200
    assert parent_of(ended(spans)["GET /api/search"]) is None


def test_a_caller_that_samples_nothing_is_obeyed(shop: Shop, spans: InMemorySpanExporter) -> None:
    traced(shop, spans).get("/api/search?q=red", headers={"traceparent": f"00-{TRACE}-{CALLER}-00"})

    assert spans.get_finished_spans() == ()


def test_a_stream_is_traced_to_its_end_as_one_search(shop: Shop, spans: InMemorySpanExporter) -> None:
    body = {"query": {"text": "red shoe"}, "stream": True}
    traced(shop, spans).post("/api/search", json=body, headers=TRACEPARENT)

    names = [span.name for span in spans.get_finished_spans()]
    assert names.count("search") == names.count("rerank") == 1
    assert parent_of(ended(spans)["search"]) == id_of(ended(spans)["POST /api/search"])


def test_the_page_and_products_that_resemble_one_are_searches_too(
    shop: Shop, spans: InMemorySpanExporter
) -> None:
    client = traced(shop, spans)
    client.get("/", params={"q": "red shoe"})
    client.get("/api/products/red shoe/similar")

    requests = {id_of(span) for name, span in ended(spans).items() if name.startswith("GET ")}
    searches = [span for span in spans.get_finished_spans() if span.name == "search"]
    assert len(requests) == 2
    assert {parent_of(search) for search in searches} == requests


def test_words_and_tokens_stay_out_of_spans(shop: Shop, spans: InMemorySpanExporter) -> None:
    client = traced(shop, spans)
    client.get("/api/search", params={"q": "red shoe", "filter": "price < 60"})
    client.get("/", params={"q": "red shoe"})
    client.get("/login", params={"token": "open-sesame"})
    client.post("/api/search", json={"query": {"text": "red shoe"}, "filter": "shoe <"})
    client.get(
        "/api/search",
        params={"q": "red"},
        headers={"authorization": "Bearer open-sesame", "cookie": "sesame=1"},
    )

    said = all_that_is_said(spans.get_finished_spans())
    assert "REDACTED" in said
    assert "shoe" not in said
    assert "sesame" not in said


def test_words_are_in_spans_where_the_log_may_have_them_too(shop: Shop, spans: InMemorySpanExporter) -> None:
    traced(shop, spans, log_queries=True).get("/api/search", params={"q": "red shoe"})

    assert (ended(spans)["search"].attributes or {})["lychee.query"] == "red shoe"


def test_writes_are_spans_with_what_became_of_them(shop: Shop, spans: InMemorySpanExporter) -> None:
    client = traced(shop, spans)
    products = [{"id": "a", "title": "secret red hat"}, {"id": "b"}]
    client.post("/api/products/batch", json={"products": products}, headers=ADMIN)
    client.delete("/api/products/a", headers=ADMIN)
    client.delete("/api/products/nobody", headers=ADMIN)

    put, *_ = [span for span in spans.get_finished_spans() if span.name == "put products"]
    removed, failed = [span for span in spans.get_finished_spans() if span.name == "remove product"]
    facts = dict(put.attributes or {})
    assert (facts["lychee.products"], facts["lychee.stored"], facts["lychee.rejected"]) == (2, 1, 1)
    assert parent_of(put) == id_of(ended(spans)["POST /api/products/batch"])
    assert removed.status.status_code is StatusCode.UNSET
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "UnknownProduct"
    assert "hat" not in all_that_is_said(spans.get_finished_spans())


def test_probes_and_files_of_the_page_are_not_traced(shop: Shop, spans: InMemorySpanExporter) -> None:
    client = traced(shop, spans)
    for path in ("/healthz", "/readyz", "/metrics", "/static/lychee.svg"):
        assert client.get(path, headers=TRACEPARENT).status_code == 200

    assert spans.get_finished_spans() == ()


def test_an_unforeseen_error_marks_its_request_without_its_words(
    shop: Shop, spans: InMemorySpanExporter
) -> None:
    client = traced(shop, spans)

    @client.app.get("/broken")  # type: ignore[attr-defined,untyped-decorator]
    def broken() -> None:
        raise RuntimeError("sesame")

    client.get("/broken")

    request = ended(spans)["GET /broken"]
    assert request.status.status_code is StatusCode.ERROR
    assert "sesame" not in all_that_is_said([request])


@pytest.mark.parametrize("form", ["json", "text"])
def test_lines_of_the_log_lead_to_the_trace(shop: Shop, spans: InMemorySpanExporter, form: str) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logger = logging.getLogger("lychee.request")
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        traced(shop, spans).get("/api/search?q=red", headers=TRACEPARENT | {"x-request-id": "seven"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)

    (line,) = stream.getvalue().splitlines()
    if form == "json":
        assert json.loads(line)["trace_id"] == TRACE
    else:
        assert line.endswith(f"[seven, trace {TRACE}]")


class Collector(BaseHTTPRequestHandler):
    """What receives OTLP over HTTP."""

    received: list[tuple[str, str, bytes]] = []  # noqa: RUF012 each test makes a class of its own

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, self.headers.get("authorization", ""), body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    received: list[tuple[str, str, bytes]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Collector,), {"received": received}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()


def test_spans_reach_a_collector_that_opentelemetrys_variables_name(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, collector: tuple[str, list[tuple[str, str, bytes]]]
) -> None:
    endpoint, received = collector
    monkeypatch.setenv(ENDPOINT, endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2VzYW1l")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=tests")
    settings = Settings(data=shop.data)
    tracing = open_tracing(settings)

    with TestClient(create_app(settings, coloured_shop(shop).engine(), tracing=tracing)) as client:
        client.get("/api/search?q=red", headers=TRACEPARENT)

    (path, authorization, body), *_ = received
    assert (path, authorization) == ("/v1/traces", "Basic c2VzYW1l")
    sent = ExportTraceServiceRequest.FromString(body).resource_spans[0]
    about = {each.key: each.value.string_value for each in sent.resource.attributes}
    assert (about["service.name"], about["deployment.environment"]) == ("lychee-search", "tests")
    names = {span.name for scope in sent.scope_spans for span in scope.spans}
    assert {"GET /api/search", "search", "encode", "recall", "metadata"} <= names
    assert {span.trace_id.hex() for scope in sent.scope_spans for span in scope.spans} == {TRACE}


def test_a_collector_that_is_gone_costs_no_search(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    settings = Settings(data=shop.data)

    with TestClient(
        create_app(settings, coloured_shop(shop).engine(), tracing=open_tracing(settings))
    ) as client:
        assert client.get("/api/search?q=red").status_code == 200


def test_the_service_may_have_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "search of the shop")

    assert provider_to().resource.attributes["service.name"] == "search of the shop"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {ENDPOINT: ""},
        {ENDPOINT: "http://localhost:4318", "OTEL_SDK_DISABLED": "true"},
        {ENDPOINT: "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_opened_where_nobody_asks_for_traces(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert open_tracing(Settings()) == UNTRACED
    assert not traces_are_wanted(os.environ)
    assert list(check_traces(os.environ)) == []


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({ENDPOINT: "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "takes http/protobuf"),
        ({ENDPOINT: "localhost:4318"}, "takes an address like"),
        ({ENDPOINT: "http://"}, "takes an address like"),
        ({ENDPOINT: "http://localhost:4318", "OTEL_TRACES_EXPORTER": "zipkin"}, "takes otlp or none"),
    ],
)
def test_what_can_not_be_exported_is_said_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], says: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert says in str(why_no_traces(os.environ))
    assert open_tracing(Settings()) == UNTRACED
    (finding,) = check_traces(os.environ)
    assert (finding.sound, says in finding.detail) == (False, True)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {ENDPOINT: "http://user:sesame@localhost:4318"}
    assert why_no_traces(environment) is None

    monkeypatch.setattr("core.trace_settings._EXPORTER", "no-such-distribution")

    said = str(why_no_traces(environment))
    assert "pip install 'lychee-search[otel]'" in said
    assert "sesame" not in said


def test_the_server_loads_no_exporter_unasked() -> None:
    program = (
        "import sys; import lychee, api.app, api.commands.serving; "
        "from core.settings import Settings; from api.tracing import open_tracing; open_tracing(Settings()); "
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', 'requests')) for name in sys.modules))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}

    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0


def test_a_provider_that_the_process_has_gets_nothing_from_us(shop: Shop) -> None:
    app: Any = create_app(Settings(data=shop.data), coloured_shop(shop).engine())

    telemetry = app._telemetry
    assert not any(telemetry[name] for name in ("tracing", "metrics", "logs", "auto_configure"))
