"""Settings from the environment and .env, each refused that doesn't fit: its name, its value, and what would fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from core.errors import InvalidSetting
from core.setting_checks import misfits
from core.setting_errors import InvalidSettings
from core.setting_names import names_in_file
from core.setting_words import fitting, shown
from core.settings import Settings

_OF_KUBERNETES = re.compile(r"(tcp|udp|sctp)://")


def read_settings(data: Path | None = None, *, with_misfits: bool = False) -> Settings:
    """The settings in force, with the command line's data folder; InvalidSettings names all that don't fit.

    `with_misfits` lets those through that are sound by themselves: who asked wants to tell about them in his own way.
    """
    list(names_in_file())  # Says what is wrong with the file, which pydantic would pass over or fail at.
    settings, refused = _parsed()
    if data is not None:
        settings = settings.model_copy(update={"data": data})
    if not with_misfits or refused:
        refused += _named_by_option(misfits(settings), data)
    if refused:
        raise InvalidSettings(refused)
    return settings


def _parsed() -> tuple[Settings, list[InvalidSetting]]:
    """The settings, and what can't be read; those have their defaults, so that the others can be checked, too."""
    try:
        return Settings(), []
    except ValidationError as error:
        unread = {str(each["loc"][0]): each.get("input") for each in error.errors()}
    defaults = {name: Settings.model_fields[name].default for name in unread}
    refused = [
        InvalidSetting(f"LYCHEE_{name.upper()}", shown(name, value), _reason(name, str(value)))
        for name, value in unread.items()
    ]
    return Settings(**defaults), refused


def _reason(name: str, value: str) -> str:
    reason = f"it takes {fitting(name)}"
    if name == "port" and _OF_KUBERNETES.match(value):
        return (
            f"{reason}; Kubernetes puts this there for a service called lychee: "
            "set enableServiceLinks: false for the pod, or LYCHEE_PORT in it"
        )
    return reason


def _named_by_option(refused: Iterator[InvalidSetting], data: Path | None) -> list[InvalidSetting]:
    """Where the command line names the data folder, nobody should look for it in the environment."""
    return [
        InvalidSetting("--data", each.value, each.reason) if data and each.name == "LYCHEE_DATA" else each
        for each in refused
    ]
