"""Small checkpoints of open_clip's architectures, encoders loaded from them, and open_clip's own answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig

from bench.random_clip import TINY, save_random
from core.encoder import load_encoder
from core.encoders.open_clip.encoder import OpenClipEncoder
from core.language import Language
from core.settings import Settings
from core.types import Pixels, Vectors

TEXTS = ("red shoe", "a warm winter jacket with a hood, for men", "x", "blue " * 90, "浅粉色连衣裙")
TINY_SIGLIP: Mapping[str, Any] = {
    "embed_dim": 192,
    "init_logit_bias": -10,
    "custom_text": True,
    "vision_cfg": {
        "image_size": 224,
        "timm_model_name": "vit_tiny_patch16_224",
        "timm_model_pretrained": False,
        "timm_pool": "map",
        "timm_proj": "none",
    },
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 300,
        "hf_tokenizer_name": "beside the weights",
        "width": 192,
        "heads": 3,
        "layers": 2,
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
    },
}
"""As SigLIP 2: a timm tower for pictures, a text tower that looks both ways, a tokenizer of the hub's kind."""


@dataclass(frozen=True, slots=True)
class Reference:
    """open_clip as its readme uses it: float32, whole preprocessing, whole texts."""

    model: Any
    preprocess: Any
    tokenizer: Any

    @classmethod
    def of(cls, folder: Path) -> Reference:
        model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
        return cls(model.eval(), preprocess, open_clip.get_tokenizer(f"local-dir:{folder}"))

    def pictures(self, images: Sequence[Pixels]) -> Vectors:
        with torch.inference_mode():
            planes = torch.stack([self.preprocess(Image.fromarray(image)) for image in images])
            return np.asarray(self.model.encode_image(planes, normalize=True))

    def texts(self, texts: Sequence[str]) -> Vectors:
        with torch.inference_mode():
            return np.asarray(self.model.encode_text(self.tokenizer(list(texts)), normalize=True))


def encoder_of(model: Path | str, data: Path, **settings: Any) -> OpenClipEncoder:
    """By the production path."""
    wanted = {
        "encoder": "open_clip",
        "data": data,
        "device": "cpu",
        "open_clip_model": str(model),
        **settings,
    }
    encoder = load_encoder(Settings(**wanted), Language.load())
    assert isinstance(encoder, OpenClipEncoder)
    return encoder


def tiny(folder: Path, **pixels: Any) -> Path:
    """The plain architecture at its smallest."""
    return save_random(TINY, folder, **pixels)


def tiny_siglip(folder: Path) -> Path:
    """SigLIP's architecture at its smallest, with its tokenizer."""
    save_words(folder)
    return save_random(TINY_SIGLIP, folder, mean=[0.5] * 3, std=[0.5] * 3, resize_mode="squash")


def tiny_multilingual(folder: Path) -> Path:
    """A transformer of the hub's for texts, its configuration and tokenizer beside the weights."""
    save_words(folder)
    facts = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_hidden_layers": 2}
    XLMRobertaConfig(**facts, vocab_size=300, max_position_embeddings=130, pad_token_id=0).save_pretrained(
        folder
    )
    text = {
        "hf_model_name": str(folder),
        "hf_model_pretrained": False,
        "hf_tokenizer_name": str(folder),
        "hf_pooler_type": "mean_pooler",
        "hf_proj_type": "mlp",
    }
    return save_random({**TINY, "text_cfg": text}, folder)


def save_words(folder: Path) -> None:
    """A tokenizer of single characters, padded, with an end."""
    characters = [chr(code) for code in range(32, 127)]
    ids = {word: number for number, word in enumerate(["<pad>", "</s>", "<unk>", *characters])}
    words = Tokenizer(WordLevel(ids, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    words.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", ids["</s>"])])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    folder.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(folder)


def photos(count: int = 6) -> list[Pixels]:
    """Pictures of the demo shop, of many shapes, read-only as decoded ones are."""
    folder = Path(__file__).resolve().parents[2] / "indexer" / "demo" / "images"
    found = []
    for place, path in enumerate(sorted(folder.iterdir())[:: 150 // count][:count]):
        image = Image.open(path).convert("RGB")
        pixels = np.asarray(image.resize((90 + 40 * (place % 6), 300 - 35 * (place % 6))))
        pixels.flags.writeable = False
        found.append(pixels)
    return found
