"""What we refuse of the settings as a whole: all that don't fit, at once."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import InvalidSetting, LycheeError


class InvalidSettings(LycheeError):
    """Settings have values that don't fit; a sentence a line for each."""

    def __init__(self, refused: Sequence[InvalidSetting]) -> None:
        super().__init__("\n".join(map(str, refused)))
        self.refused = tuple(refused)


class UnreadableSettings(LycheeError):
    """The file of settings can't be read as one."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot read settings from {path}: {reason}")
        self.path, self.reason = path, reason
