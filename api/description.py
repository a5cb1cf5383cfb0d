"""What the API's description says of refusals: which statuses a route may answer, all as application/problem+json."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.schemas import ProblemBody

PROBLEM = "application/problem+json"
_REASONS: dict[int, str] = {
    400: "What is asked for makes no sense, and the detail says why",
    401: "A key is needed, or the one that was sent is not known",
    403: "The key is not for this, or writing is off",
    404: "There is no such catalog, product or address",
    408: "The body did not come in time",
    409: "Somebody else writes into that catalog",
    413: "The body is too large",
    422: "The request does not have the form described here, or a picture can't be read",
    429: "Too much was asked for, or too many keys were guessed; Retry-After says when to come again",
    503: "The server is busy or not ready; where it passes by itself, Retry-After says when to come again",
}
_ANYWHERE = (400, 401, 403, 429, 503)
_SCHEMA = "ProblemBody"
Responses = dict[int | str, dict[str, Any]]


def refusals(*statuses: int) -> Responses:
    """The responses of a route that refuses with these statuses, for its decorator."""
    return {status: _refusal(status) for status in statuses}


def _refusal(status: int) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{_SCHEMA}"}
    return {"description": _REASONS[status], "content": {PROBLEM: {"schema": reference}}}


REFUSED_ANYWHERE = refusals(*_ANYWHERE)
"""Who isn't let in, or comes at a bad time, is told so by every route."""
REFUSED_BODY = refusals(408, 413, 422)
"""How a body can fail."""


def pictures(*media_types: str) -> Responses:
    """The response of a route that answers with a picture."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": "The picture", "content": dict.fromkeys(media_types, binary)}}


class DescribedApp(FastAPI):
    """FastAPI, whose description names our problems: its own way puts them under application/json."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        document = super().openapi()
        schema = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
        document.setdefault("components", {}).setdefault("schemas", {})[_SCHEMA] = schema
        return document
