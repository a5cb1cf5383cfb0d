"""Templates to HTML: the only module that knows Jinja; everything that is filled in is escaped."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FunctionLoader, StrictUndefined

from web import page_template, static_version


def html_page(name: str, /, **shown: object) -> str:
    """A page of web/templates."""
    return _environment().get_template(name).render(**shown)


def static_address(file: str) -> str:
    """The address of a static file, which changes when a file does."""
    return f"/static/{file}?v={static_version()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(page_template),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals["static"] = static_address
    return environment
