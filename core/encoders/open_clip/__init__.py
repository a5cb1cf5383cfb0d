"""Any open_clip model as an encoder; only this package knows open_clip, and nothing else here imports torch."""

from core.encoders.open_clip.encoder import OpenClipEncoder

__all__ = ["OpenClipEncoder"]
