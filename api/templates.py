"""Templates to HTML: the only module that knows Jinja; everything that is filled in is escaped."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, StrictUndefined, Template

from web import page_template, static_version


def html_page(name: str, /, **shown: object) -> str:
    """A page of web/templates."""
    return _template(name).render(static=static_address, **shown)


def static_address(file: str) -> str:
    """The address of a static file, which changes when a file does."""
    return f"/static/{file}?v={static_version()}"


@cache
def _template(name: str) -> Template:
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return environment.from_string(page_template(name))
