"""When a single Chinese character that names a colour is one."""

from __future__ import annotations

from collections.abc import Sequence

from core.language.segments import Piece

_ALSO_STUFF = frozenset("粉金银橙黄米杏桃茶")
"""Colours whose character ends names of powder, metal or food."""


def is_character_colour(piece: Piece) -> bool:
    """Whether the piece is one character and may be a colour."""
    return len(piece.words) == 1 and piece.is_han and piece.concepts[0].startswith("color:")


def colours_something(pieces: Sequence[Piece], at: int) -> bool:
    """A lone colour character at the end of a run of Chinese is the end of a word (米粉), not a colour."""
    piece = pieces[at]
    before = pieces[at - 1] if at else None
    after = pieces[at + 1] if at + 1 < len(pieces) else None
    if after is not None and after.start == piece.end and after.is_han:
        return True
    if before is not None and before.end == piece.start and before.concepts and piece.text not in _ALSO_STUFF:
        return True  # a title's colour behind what it colours: 运动鞋黑
    alone = before is None or before.end != piece.start or not before.is_han
    return alone or (before is not None and any(c.startswith("color:") for c in before.concepts))
