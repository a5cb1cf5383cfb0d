"""The work that runs beside the encoder: pictures decoded, words found, vectors packed for the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.encoder import Encoded, Encoder, PreparingEncoder
from core.errors import UnreadableImage
from core.images import ENCODER_SIDE, decode
from core.pictures import PictureStore
from indexer.reading import label


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture that waits for the encoder, in the form that the encoder takes."""

    waiting: Any


def ready_picture(
    digest: str, link: str, pictures: PictureStore, encoder: Encoder
) -> Ready | UnreadableImage:
    """A stored picture, as small as it can be while it waits for the encoder; or why it can't be shown."""
    try:
        pixels = decode(pictures.read(digest), source=label(link), at_least=ENCODER_SIDE)
    except UnreadableImage as problem:
        return problem
    return Ready(encoder.prepare(pixels) if isinstance(encoder, PreparingEncoder) else pixels)


def encoded_pictures(encoder: Encoder, pictures: Sequence[Ready]) -> Encoded:
    """One row a picture, in input order."""
    waiting = [picture.waiting for picture in pictures]
    if isinstance(encoder, PreparingEncoder):
        return encoder.encode_prepared(waiting)
    return encoder.encode_images(waiting)
