"""The encoder protocol: pictures and texts into one space, and the one place that picks an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core.encoder_choice import EncoderChoice
from core.errors import MissingExtra
from core.language import Language
from core.settings import Settings
from core.types import Pixels, Vectors

Features = NDArray[np.float32]
"""float32, shape (n, feature_dim): the long form of a vector, whose dot products re-score candidates."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder makes of n pictures or texts, in input order."""

    vectors: Vectors
    """Shape (n, dim), rows of length 1: what recall searches."""
    features: Features | None = None
    """Shape (n, feature_dim), or None where the vectors are all there is."""


class Encoder(Protocol):
    """Pictures and texts into one space; owns its preprocessing, normalises its vectors."""

    @property
    def fingerprint(self) -> str:
        """Names the model and everything that changes its numbers; vectors of different ones never meet."""

    @property
    def dim(self) -> int:
        """Length of a recall vector."""

    @property
    def feature_dim(self) -> int:
        """Length of the long form; 0 where the vectors are all there is."""

    def encode_images(self, images: Sequence[Pixels]) -> Encoded:
        """One row a picture, in input order."""

    def encode_texts(self, texts: Sequence[str], *, as_query: bool = False) -> Encoded:
        """One row a text, in input order; `as_query` for what a shopper typed."""


@runtime_checkable
class PreparingEncoder(Encoder, Protocol):
    """An encoder that lets worker threads do a picture's padding and resizing ahead of the model."""

    def prepare(self, image: Pixels) -> Any:
        """The picture as `encode_prepared` wants it; safe on many threads."""

    def encode_prepared(self, prepared: Sequence[Any]) -> Encoded:
        """One row a picture, in input order: what `encode_images` answers for the same pictures."""


@runtime_checkable
class ColourReadingEncoder(Encoder, Protocol):
    """An encoder whose long features of a picture tell its colours."""

    @property
    def colour_words(self) -> tuple[str, ...]:
        """The colours that are told apart, in English."""

    def colours_shown(self, features: NDArray[np.float32]) -> list[float]:
        """About which share of the thing shown has each colour: 0…1. `features` has shape (feature_dim,)."""


def load_encoder(settings: Settings, language: Language, choice: EncoderChoice | None = None) -> Encoder:
    """The encoder of the choice, or that the settings name; the heavy import happens here and not before.

    MissingExtra, InvalidSetting and EncoderProblem say why it can't be had.

    The language is what the rest of the process reads with: the lite encoder glosses Chinese by it.
    """
    if choice is not None:
        settings = choice.within(settings)
    match settings.encoder_name:
        case "lite":
            from core.encoders.lite import LiteEncoder

            return LiteEncoder.load(language)
        case "open_clip":
            try:
                from core.encoders.open_clip.encoder import OpenClipEncoder  # heavy: loads torch

                return OpenClipEncoder.load(settings)
            except ImportError as error:
                raise MissingExtra("the open_clip encoder", "clip") from error
