"""The whole API against its own description: requests made after it and against it, answers held to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Err
from schemathesis.schemas import APIOperation

from bench.fuzz.running import Target
from bench.fuzz.sent import CURSORS, FILTERS, IMAGES, PRODUCTS, TRIED_IDS, WORDS

BUSY = "503"
"""The one answer from 500 on that is described: busy, or not ready."""
_FORM = ("body.", "query.", "path.", "header.")
"""How a refusal begins that is about the form of a request."""


Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]


class Misbehaviour(AssertionError):
    """An answer that the description allows, and that is wrong all the same."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server, asked by one visitor."""

    app: FastAPI
    key: str
    """What the visitor sends; empty for none."""
    may_write: bool
    ids: tuple[str, ...]
    """Products that there are."""

    def operations(self) -> Iterator[Operation]:
        """Everything that the description describes."""
        config = schemathesis.Config()
        checks = config.projects.default.checks
        checks.not_a_server_error.expected_statuses = ["2xx", "3xx", "4xx", BUSY]
        # What has the right form may still make no sense; see below.
        checks.positive_data_acceptance.enabled = False
        schema = schemathesis.openapi.from_asgi("/openapi.json", self.app, config=config)
        for methods in schema.raw_schema["paths"].values():
            for described in methods.values():
                described.pop("security", None)  # whose key it is, is ours to try
        for found in schema.get_all_operations():
            if isinstance(found, Err):
                raise found.err()
            yield found.ok()

    def cases(self, operation: Operation) -> SearchStrategy[AnyCase]:
        """Requests: with values that mean something here, with any values, and with wrong ones."""
        valid = operation.as_strategy(GenerationMode.POSITIVE)
        if not (operation.path_parameters or operation.query or operation.body):
            return valid
        return st.one_of(_meant(valid, self.ids), valid, operation.as_strategy(GenerationMode.NEGATIVE))

    def ask(self, case: AnyCase) -> None:
        """Sends a request and holds the answer to the description."""
        answer = case.call_and_validate(headers={"X-API-Key": self.key} if self.key else {})
        detail, status = answer.content[:500].decode("utf-8", "replace"), answer.status_code
        by_form = any(f'"detail":"{where}' in detail for where in _FORM)
        if _is_valid(case) and status == 422 and by_form:
            raise Misbehaviour(f"{case.operation.label}: a valid request is refused for its form: {detail}")
        if status < 300 and case.operation.path in _WRITING and case.method != "GET" and not self.may_write:
            raise Misbehaviour(f"{case.operation.label}: written without the right to: {detail}")


_WRITING = ("/api/products/batch", "/api/products/{product_id}")


def _is_valid(case: AnyCase) -> bool:
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


@st.composite
def _meant(draw: DrawFn, valid: SearchStrategy[AnyCase], ids: tuple[str, ...]) -> AnyCase:
    """A valid request, most of whose values name something that there is."""
    case = draw(valid)
    # What is removed is what was put here: a shop that grows empty answers little.
    known = st.sampled_from(TRIED_IDS if case.method == "DELETE" else ids)
    fits: dict[str, SearchStrategy[Any]] = {
        "catalog": st.just("products"),
        "filter": FILTERS,
        "sort": st.sampled_from(["relevance", "price_asc", "price_desc"]),
        "facets": st.lists(st.sampled_from(["color", "price", "brand", "category"]), max_size=3),
        "cursor": CURSORS,
        "product_id": known,
        "preset": st.sampled_from(["default", "product", "serp", "support", "coldstart", "copyright"]),
        "like": st.lists(known, max_size=2),
        "q": WORDS,
        "size": st.sampled_from(["thumb", "full"]),
    }
    for values in (case.path_parameters, case.query, case.body):
        if isinstance(values, dict):
            values.update(
                {name: draw(fits[name]) for name in fits.keys() & values.keys() if draw(st.booleans())}
            )
    if isinstance(case.body, dict):
        case.body.update(_body(draw, case, known))
    elif case.operation.path == "/api/search" and isinstance(case.query, dict):
        case.query["q"] = draw(WORDS)
    return case


def _body(draw: DrawFn, case: AnyCase, known: SearchStrategy[str]) -> dict[str, Any]:
    """What the heart of a body is, by its route."""
    parts = st.fixed_dictionaries({"text": WORDS}, optional={"image": IMAGES})
    match case.operation.path:
        case "/api/search":
            further = {
                "like": st.lists(known, max_size=2),
                "not": st.lists(WORDS, max_size=2),
                "image": IMAGES,
            }
            return {"query": draw(st.fixed_dictionaries({"text": WORDS}, optional=further))}
        case "/api/rerank":
            named = draw(st.sampled_from(["document", "documents"]))
            other = {"document": "documents", "documents": "document"}[named]
            one = WORDS | parts
            given = draw(one if named == "document" else st.lists(one, min_size=1, max_size=4))
            return {"query": draw(one), named: given, other: None}
        case "/v1/rerank":
            return {"query": draw(WORDS), "documents": draw(st.lists(WORDS | parts, min_size=1, max_size=4))}
        case "/api/products/batch":
            return {"products": draw(st.lists(PRODUCTS, min_size=1, max_size=3))}
        case "/api/products/{product_id}":
            return draw(
                PRODUCTS.map(lambda row: {name: value for name, value in row.items() if name != "id"})
            )
    return {}


def target_of(server: Server) -> Target:
    """All operations of a server as one target."""
    operations = list(server.operations())
    return Target("api", st.one_of(*map(server.cases, operations)), partial(_asked, server))


def _asked(server: Server, case: AnyCase) -> None:
    server.ask(case)
