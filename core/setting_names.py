"""Which names of settings are written in the environment and in .env, and which of them nobody reads."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import parse_stream

from core.setting_errors import UnreadableSettings
from core.settings import Settings

PREFIX = "LYCHEE_"
READ_ELSEWHERE = frozenset({"LYCHEE_SHARE_PASSWORD"})
"""Names that single commands read."""
_OF_KUBERNETES = re.compile(r"LYCHEE_(.+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
"""What each pod finds in its environment about services whose names begin with `lychee`."""


@dataclass(frozen=True, slots=True)
class UnknownSetting:
    """A name that begins as a setting's does, and is none."""

    name: str
    nearest: str | None

    def __str__(self) -> str:
        meant = (
            f"; {self.nearest} is meant?" if self.nearest else "; `lychee doctor` lists all that there are"
        )
        return f"{self.name} is no setting and changes nothing{meant}"


def unknown_settings() -> list[UnknownSetting]:
    """The names that nobody reads, in alphabetical order; UnreadableSettings."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    written = {name.upper() for name in (*os.environ, *names_in_file()) if name.upper().startswith(PREFIX)}
    unread = written - known - READ_ELSEWHERE
    return [
        UnknownSetting(name, next(iter(get_close_matches(name, known, 1, 0.8)), None))
        for name in sorted(unread)
        if not _OF_KUBERNETES.fullmatch(name)
    ]


def names_in_file() -> Iterator[str]:
    """The names that .env sets; UnreadableSettings says which line is none, or that it is no text."""
    path = Path(str(Settings.model_config["env_file"]))
    if not path.is_file():
        return
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UnreadableSettings(str(path), f"line {line} is not UTF-8; save it as UTF-8") from error
    except OSError as error:
        raise UnreadableSettings(str(path), error.strerror or str(error)) from error
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            # Empty lines before it belong to it.
            text = binding.original.string
            line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
            form = "NAME=value, a comment behind #, or nothing; quotes must be closed"
            raise UnreadableSettings(str(path), f"line {line} is not {form}")
        if binding.key is not None:
            yield binding.key
