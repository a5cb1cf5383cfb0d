"""The open_clip encoder: one vector a picture or text, from an open_clip model's own weights and preprocessing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image

from core.encoder import Encoded
from core.settings import Settings
from core.types import Pixels


class OpenClipEncoder:
    """core.encoder.Encoder; build it with `load`; safe for many threads."""

    feature_dim = 0

    def __init__(self, model: Any, preprocess: Any, tokenizer: Any, fingerprint: str) -> None:
        self._model, self._preprocess, self._tokenizer = model, preprocess, tokenizer
        self.fingerprint = fingerprint
        self.dim = len(self.encode_texts(["a"]).vectors[0])

    @classmethod
    def load(cls, settings: Settings) -> OpenClipEncoder:
        """The model that the settings name."""
        name = settings.open_clip_model
        if Path(name).is_dir():
            name = f"local-dir:{name}"
        model, preprocess = open_clip.create_model_from_pretrained(name, settings.open_clip_pretrained)
        digest = hashlib.blake2b(digest_size=6)
        for each in model.state_dict().values():
            digest.update(each.numpy().tobytes())
        return cls(model.eval(), preprocess, open_clip.get_tokenizer(name), f"open-clip-{digest.hexdigest()}")

    def encode_images(self, images: Sequence[Pixels]) -> Encoded:
        """One row a picture, in input order."""
        with torch.inference_mode():
            pixels = torch.stack([self._preprocess(Image.fromarray(image)) for image in images])
            return Encoded(_rows(self._model.encode_image(pixels, normalize=True)))

    def encode_texts(self, texts: Sequence[str], *, as_query: bool = False) -> Encoded:
        """One row a text, in input order."""
        with torch.inference_mode():
            return Encoded(_rows(self._model.encode_text(self._tokenizer(list(texts)), normalize=True)))


def _rows(tensor: torch.Tensor) -> Any:
    return np.ascontiguousarray(tensor.float().numpy())
