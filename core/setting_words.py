"""What is said of settings: which values would fit each, and how a value is shown without the secrets in it."""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from core.settings import Settings

FITTING = {
    "data": "a folder that can be made and written to",
    "database_url": "an address like postgresql://user:password@host/name or sqlite:///folder/catalog.db",
    "open_clip_model": "a model's name, hf-hub:org/name, or a folder or checkpoint file",
    "open_clip_pretrained": "a tag, hf-hub:org/name, or a folder or checkpoint file",
    "reranker_model": "a hub name or a folder",
    "reranker_url": "an address like https://judge.example/v1/rerank",
    "reranker_key": "a key of printable ASCII without spaces, as a header can carry it",
    "admin_key": "16 characters or more of printable ASCII without spaces, as a header can carry them",
    "device": "auto, cpu, cuda or cuda:N, where N is the number of a card",
    "cors_origins": "sites like https://shop.example, scheme and host without a path, between commas",
    "allowed_hosts": "names like shop.example or *.shop.example without scheme and port, between commas, or * for any",
    "rate_limit": "units of work in a second, minute, hour or day, like 6000/minute",
    "rate_store": "memory://, redis://host:6379 or rediss://host:6379",
    "host": "an address like 127.0.0.1, 0.0.0.0 or ::1, or a host's name, without scheme and port",
}
"""What numbers, switches and lists of words can't say by themselves."""
SHOWN_CHARACTERS = 120
_SECRET = re.compile(r"(?i)\b(\w*(?:password|passwd|pwd|secret|token|key)\w*=)[^&\s]*")


def fitting(name: str) -> str:
    """What would fit a setting, said so that it can stand behind `it takes`."""
    return FITTING.get(name) or _of_type(Settings.model_fields[name])


def shown(name: str, value: object) -> str:
    """A value that was refused, as it may be read by anybody: no key, and of an address nobody's password."""
    text = str(value)
    if name.lower().endswith("key"):
        return "…"
    scheme, divider, rest = text.rpartition("://") if "://" in text.partition("@")[0] else ("", "", text)
    # What can't be read as an address may still hold a password anywhere before the host.
    if "@" in rest:
        rest = f"…@{rest.rpartition('@')[2]}"
    masked = _SECRET.sub(r"\1…", scheme + divider + rest)
    return masked if len(masked) <= SHOWN_CHARACTERS else f"{masked[:SHOWN_CHARACTERS]}…"


def without_password(value: object) -> str:
    """A value in force as it may be shown: an address keeps its user and loses its password."""
    return _SECRET.sub(r"\1***", re.sub(r"(://[^/@:\s]*:)\S*@", r"\1***@", str(value)))


def _of_type(field: FieldInfo) -> str:
    kind = _kind(field.annotation)
    if get_origin(kind) is Literal:
        *first, last = [str(each) for each in get_args(kind)]
        return f"{', '.join(first)} or {last}"
    if kind is bool:
        return "true or false"
    if kind in (int, float):
        return f"a {'whole ' if kind is int else ''}number in plain digits, {_bounds(field)}"
    return str(field.description)


def _kind(annotation: Any) -> Any:
    """The type of a setting that is there."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    return next(each for each in get_args(annotation) if each is not NoneType)


def _bounds(field: FieldInfo) -> str:
    words = {"ge": "from {:,}", "gt": "above {:,}", "le": "to {:,}"}
    return " ".join(
        text.format(getattr(each, name)).replace(",", "")
        for name, text in words.items()
        for each in field.metadata
        if hasattr(each, name)
    )
