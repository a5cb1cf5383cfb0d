"""Whether traces are to be exported, as OpenTelemetry's own variables say it, and what is missing for it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

_EXPORTER = "opentelemetry-exporter-otlp-proto-http"
_PROTOCOL = "http/protobuf"
NOT_EXPORTED = "no traces are exported"


def traces_are_wanted(environment: Mapping[str, str]) -> bool:
    """Whether an endpoint is named, and nothing switches traces off."""
    off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return bool(_endpoint(environment)[1]) and not off and "none" not in _exporters(environment)


def why_no_traces(environment: Mapping[str, str]) -> str | None:
    """What keeps traces that are wanted from being exported, and the mend; None where nothing does."""
    if not traces_are_wanted(environment):
        return None
    name, endpoint = _endpoint(environment)
    protocol = _first(environment, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")[1]
    if "otlp" not in _exporters(environment):
        return f"{NOT_EXPORTED}: OTEL_TRACES_EXPORTER takes otlp or none here"
    if protocol not in ("", _PROTOCOL):
        return f"{NOT_EXPORTED}: OTEL_EXPORTER_OTLP_PROTOCOL takes {_PROTOCOL} here, which collectors have on port 4318"
    if not _is_address(endpoint):
        return f"{NOT_EXPORTED}: {name} takes an address like http://localhost:4318"
    if not _is_installed():
        return f"{NOT_EXPORTED}: {name} is set, and what exports them is missing; pip install 'lychee-search[otel]'"
    return None


def _endpoint(environment: Mapping[str, str]) -> tuple[str, str]:
    return _first(environment, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def _first(environment: Mapping[str, str], *names: str) -> tuple[str, str]:
    """The first of the variables that is set, and its value."""
    found = ((name, environment.get(name, "").strip()) for name in names)
    return next((pair for pair in found if pair[1]), (names[-1], ""))


def _exporters(environment: Mapping[str, str]) -> list[str]:
    return [each.strip() for each in (environment.get("OTEL_TRACES_EXPORTER") or "otlp").lower().split(",")]


def _is_address(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_installed() -> bool:
    try:
        version(_EXPORTER)
    except PackageNotFoundError:
        return False
    return True
