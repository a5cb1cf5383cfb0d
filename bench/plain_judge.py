"""What the lychee judge is measured against: the whole model, all of its vocabulary, one pair at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import Qwen2_5_VLProcessor, Qwen2VLVideoProcessor

from bench.pictures import photo
from bench.random_checkpoint import WORDS
from core.images import decode
from core.pictures import picture_hash
from core.types import Product
from rerank.judgement import Asked, Document, Picture
from rerank.vlm.checkpoint import Checkpoint
from rerank.vlm.prompt import PlainText, document_side, question_side, rendered

SIDE = 448
"""Of the documents' pictures."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as its file."""

    text: str
    jpeg: bytes

    @property
    def picture(self) -> Picture:
        return Picture(picture_hash(self.jpeg), lambda: decode(self.jpeg, source="bench"))

    @property
    def document(self) -> Document:
        return Document(self.text, self.picture, Product(self.text))


class PlainLoop:
    """What the checkpoint's own example does: the processor, the whole model, all of the vocabulary, a pair at a time."""

    def __init__(self, made: Checkpoint) -> None:
        self._made = made
        self._processor = Qwen2_5_VLProcessor(made.image_processor, made.tokenizer, Qwen2VLVideoProcessor())
        self._answers = made.tokenizer.convert_tokens_to_ids(["yes", "no"])

    def inputs(self, asked: Asked, document: Shown) -> Any:
        """Everything the model is given, from the file on."""
        with Image.open(BytesIO(document.jpeg)) as opened:
            pictures = [opened.convert("RGB")]
        if asked.picture is not None:
            pictures.insert(0, Image.fromarray(asked.picture.load()))
        plain = PlainText()
        text = rendered(question_side(asked, plain), document_side(document.document, plain))
        return self._processor(text=[text], images=pictures, return_tensors="pt")

    def score(self, asked: Asked, documents: Sequence[Shown]) -> list[float]:
        found = []
        for document in documents:
            with torch.inference_mode():
                logits = self._made.model(**self.inputs(asked, document)).logits[0, -1]
            yes, no = (float(logits[answer]) for answer in self._answers)
            found.append(1 / (1 + np.exp(no - yes)))
        return found


def parts(made: Checkpoint, asked: Asked, documents: Sequence[Shown]) -> dict[str, float]:
    """Seconds of each part of the plain loop for one pair; those of layers as they are here, not at full depth."""
    plain = PlainLoop(made)
    seconds: dict[str, float] = {}

    def timed(name: str, run: Callable[[], Any]) -> Any:
        run()  # the first time also readies the libraries
        begun = time.perf_counter()
        found = run()
        seconds[name] = time.perf_counter() - begun
        return found

    with torch.inference_mode():
        inputs = timed("decoding", lambda: plain.inputs(asked, documents[0]))
        model, grids = made.model, inputs["image_grid_thw"]
        timed(
            "vision layers",
            lambda: model.model.get_image_features(inputs["pixel_values"], image_grid_thw=grids),
        )
        tokens = inputs["input_ids"].shape[1]
        states = torch.randn(1, tokens, model.config.text_config.hidden_size)
        timed("language layers", lambda: model.model.language_model(inputs_embeds=states, use_cache=False))
        timed("head", lambda: model.lm_head(states))
    return seconds


def shown(count: int) -> list[Shown]:
    """Documents of a dozen or two words, with square photos."""
    words = WORDS.split()[2:12]
    found = []
    for number in range(count):
        buffer = BytesIO()
        with Image.open(BytesIO(photo(number))) as made:
            made.resize((SIDE, SIDE)).save(buffer, "JPEG", quality=88)
        text = " ".join(words[(number + place * 3) % len(words)] for place in range(12 + number % 3 * 6))
        found.append(Shown(text, buffer.getvalue()))
    return found
