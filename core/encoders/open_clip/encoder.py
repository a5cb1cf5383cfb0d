"""The open_clip encoder: one vector a picture or text, from an open_clip model's own weights and preprocessing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence

import numpy as np
from open_clip.transform import PreprocessCfg

from core.encoder import Encoded
from core.encoders.open_clip.opening import Opened, opened
from core.encoders.open_clip.preparing import Preparation, Prepared
from core.encoders.open_clip.running import Batches, joined
from core.encoders.open_clip.source import source_of
from core.settings import Settings
from core.types import Pixels, Vectors

RECIPE = "1"
"""Grows with every change of the numbers that neither the weights nor the preprocessing tell."""


class OpenClipEncoder:
    """core.encoder.PreparingEncoder; build it with `load`; safe for many threads.

    Its vectors are all there is of a picture or text: it has no longer features.
    """

    feature_dim = 0

    def __init__(self, model: Opened, *, name: str) -> None:
        traits = model.traits
        self._engine, self._tokens = model.engine, model.tokens
        self._preparation = Preparation.of(PreprocessCfg(**traits.preprocessing))
        self.dim = traits.dim
        shape = (self._preparation.height, self._preparation.width)
        self._pictures = Batches(name, model.engine.batch(shape))
        self._texts = Batches(name, self._pictures.size)
        self.fingerprint = _fingerprint(name, model)
        self.runs_on = model.engine.name

    @classmethod
    def load(cls, settings: Settings) -> OpenClipEncoder:
        """The model that the settings name. Raises InvalidSetting, EncoderProblem."""
        source = source_of(settings.open_clip_model, settings.open_clip_pretrained)
        return cls(opened(source, settings), name=source.name)

    def encode_images(self, images: Sequence[Pixels]) -> Encoded:
        """One row a picture, in input order."""
        return self.encode_prepared([self.prepare(image) for image in images])

    def prepare(self, image: Pixels) -> Prepared:
        """The picture at the model's size: the part that worker threads can do ahead."""
        return self._preparation.prepare(image)

    def encode_prepared(self, prepared: Sequence[Prepared]) -> Encoded:
        """One row a prepared picture, in input order."""

        def through(part: Sequence[Prepared]) -> Vectors:
            return self._engine.pictures(np.stack(part))

        return Encoded(joined(self._pictures.run(prepared, through), self.dim))

    def encode_texts(self, texts: Sequence[str], *, as_query: bool = False) -> Encoded:
        """One row a text, in input order; queries are texts like others to these models."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        if texts:
            for places, ids in self._tokens.batches(texts):
                found = self._texts.run(list(ids), lambda part: self._engine.texts(np.stack(part)))
                vectors[places] = np.concatenate(found)
        return Encoded(vectors)


def _fingerprint(name: str, model: Opened) -> str:
    """Names weights, architecture, preprocessing and tokenizer, but not what computes.

    A catalog that a GPU has encoded in bfloat16 is searched by a CPU in int8: an engine is used only where its
    vectors have a cosine of 0.999 to what the same weights answer in float32, which moves no product.
    """
    facts = json.dumps([RECIPE, model.digest, model.tokens.digest()])
    digest = hashlib.blake2b(facts.encode(), digest_size=6).hexdigest()
    short = re.sub(r"[^A-Za-z0-9.]+", "-", name.rpartition("/")[2]).strip("-")
    return f"open-clip-{short[:40]}-{digest}"
