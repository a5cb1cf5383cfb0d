"""The API's documentation page, rendered from the OpenAPI document: no script, and nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.templates import html_page

router = APIRouter(include_in_schema=False)
Schema = Mapping[str, Any]
_LIMITS = {
    "maxLength": "at most {} characters",
    "minLength": "at least {} characters",
    "maxItems": "at most {}",
    "minimum": "from {}",
    "maximum": "up to {}",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value looks like: text around the schemas that it names."""

    text: str
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter of a route, or a property of a schema."""

    name: str
    where: str
    shape: Shape
    required: bool
    notes: str
    """Its limits and its default."""
    description: str


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    summary: str
    description: str
    tag: str
    parameters: tuple[Field, ...]
    body: Shape | None
    answers: tuple[tuple[str, str, Shape | None], ...]


@dataclass(frozen=True, slots=True)
class NamedSchema:
    """One of the document's schemas."""

    name: str
    description: str
    fields: tuple[Field, ...]


@router.get("/docs", response_class=HTMLResponse)
def documentation(request: Request) -> HTMLResponse:
    """Every route with its parameters and answers, every schema with its fields."""
    document = request.app.openapi()
    schemas = document.get("components", {}).get("schemas", {})
    html = html_page(
        "docs.html",
        info=document["info"],
        routes=list(_routes(document["paths"])),
        schemas=[_named(name, schema) for name, schema in sorted(schemas.items())],
    )
    return HTMLResponse(html, headers={"Cache-Control": "no-cache"})


def _routes(paths: Mapping[str, Schema]) -> Iterator[Route]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield Route(
                method=method.upper(),
                path=path,
                summary=operation.get("summary", ""),
                description=operation.get("description", ""),
                tag=next(iter(operation.get("tags", [])), ""),
                parameters=tuple(_parameter(each) for each in operation.get("parameters", [])),
                body=_content(operation.get("requestBody", {})),
                answers=tuple(
                    (status, answer["description"], _content(answer))
                    for status, answer in operation["responses"].items()
                ),
            )


def _content(holder: Schema) -> Shape | None:
    """What a body holds, with its media type."""
    for media_type, content in holder.get("content", {}).items():
        shape = _shape(content.get("schema", {}))
        return Shape(f"{media_type} {shape.text}".strip(), shape.refs)
    return None


def _parameter(parameter: Schema) -> Field:
    schema = parameter.get("schema", {})
    described = {**schema, "description": parameter.get("description", schema.get("description", ""))}
    return _field(parameter["name"], described, parameter["in"], required=parameter.get("required", False))


def _named(name: str, schema: Schema) -> NamedSchema:
    required = schema.get("required", [])
    fields = schema.get("properties", {}).items()
    return NamedSchema(
        name,
        schema.get("description", ""),
        tuple(_field(each, shape, "", required=each in required) for each, shape in fields),
    )


def _field(name: str, schema: Schema, where: str, *, required: bool) -> Field:
    bounded = [schema, *schema.get("anyOf", [])]
    notes = [
        text.format(f"{int(each[key]):,}") for each in bounded for key, text in _LIMITS.items() if key in each
    ]
    default = schema.get("default")
    if default is not None and not isinstance(default, dict):
        notes.append(f"default {json.dumps(default)}")
    return Field(
        name=name,
        where=where,
        shape=_shape(schema),
        required=required,
        notes=", ".join(notes),
        description=schema.get("description", ""),
    )


def _shape(schema: Schema) -> Shape:
    """The type in words; the schemas it names come beside it, to be linked."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Shape("", (name,))
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        parts = [_shape(each) for each in alternatives]
        return Shape(
            " or ".join(part.text for part in parts if part.text), tuple(r for p in parts for r in p.refs)
        )
    if "enum" in schema:
        return Shape(" | ".join(f'"{each}"' for each in schema["enum"]))
    if schema.get("type") == "array":
        inner = _shape(schema.get("items", {}))
        return Shape(f"list of {inner.text}".strip(), inner.refs)
    if isinstance(schema.get("additionalProperties"), Mapping):
        inner = _shape(schema["additionalProperties"])
        return Shape(f"map to {inner.text}".strip(), inner.refs)
    return Shape(str(schema.get("format") or schema.get("type", "")))
