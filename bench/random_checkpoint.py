"""Checkpoints of the real architectures with random weights: for tests of the judge, and to time it without its weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.initialization import no_init_weights

from rerank.instructions import PRESETS
from rerank.vlm.prompt import SYSTEM

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""Qwen2.5-VL's special tokens, in their order."""
WORDS = "yes no red blue shoe shirt dress bag cotton embroidered printed butterfly system user assistant Document Query"
TEMPLATE = (
    "{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}"
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else %}"
    "{% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in content or "
    "'image_url' in content %}{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}"
    "Picture {{ image_count.value }}: {% endif %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif content['type'] == 'video' or 'video' in content %}{% set video_count.value = video_count.value + 1 %}"
    "{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen2.5-VL's own chat template."""


def tokenizer() -> Any:
    """A small tokenizer of Qwen's kind: its splitting, its special tokens, `yes` and `no` one token each."""
    rules = Qwen2Tokenizer()
    learning = Tokenizer(models.BPE())
    learning.normalizer = normalizers.NFC()
    learning.pre_tokenizer = rules.backend_tokenizer.pre_tokenizer
    learning.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learning.train_from_iterator(_texts(), trainer)
    merges = [tuple(merge) for merge in json.loads(learning.to_str())["model"]["merges"]]
    found = Qwen2Tokenizer(vocab=learning.get_vocab(), merges=merges)
    found.add_tokens(list(SPECIAL), special_tokens=True)
    found.chat_template = TEMPLATE
    return found


def image_processor(patch: int = 14) -> Any:
    """The image processor of Qwen2.5-VL, or with patches of 16 pixels that of Qwen3-VL."""
    return Qwen2VLImageProcessor(patch_size=patch)


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a Qwen2.5-VL model."""

    hidden: int
    layers: int
    heads: int
    key_heads: int
    intermediate: int
    vision_hidden: int
    vision_layers: int
    vision_heads: int
    vision_intermediate: int
    vocabulary: int | None = None
    """None for as many rows as the tokenizer has tokens."""
    tied: bool = False
    spread: float = 0.02
    """Standard deviation of the random weights."""


TINY = Shape(64, 3, 4, 2, 128, 32, 4, 2, 48, spread=0.25)
TRUE_3B = Shape(2048, 36, 16, 2, 11008, 1280, 32, 16, 3420, vocabulary=151_936, tied=True)


def quick_qwen25(shape: Shape, words: Any) -> Any:
    """The same in a fraction of the time, the random numbers repeating: for models with many of them."""
    with no_init_weights():
        model = qwen25(shape, words)
    model.tie_weights()
    pool = torch.randn(1 << 22, generator=torch.Generator().manual_seed(0)) * shape.spread
    for name, weight in model.named_parameters():
        if weight.ndim > 1:
            flat = weight.data.view(-1)
            for start in range(0, len(flat), len(pool)):
                part = flat[start : start + len(pool)]
                part.copy_(pool[: len(part)])
        elif name.endswith("bias"):
            weight.data.zero_()
    return model


def qwen25(shape: Shape, words: Any, *, seed: int = 0) -> Any:
    """A Qwen2.5-VL model of that shape, its weights random."""
    half = shape.hidden // shape.heads // 2
    ids = _special_ids(words)
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": shape.vocabulary or len(words),
            **_ends(words),
            "hidden_size": shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.key_heads,
            "intermediate_size": shape.intermediate,
            "initializer_range": shape.spread,
            "rms_norm_eps": 1e-6,
            # A quarter of the turning dimensions for the frame, the rest for row and column: 16, 24, 24 in the original.
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [half // 4, half * 3 // 8, half * 3 // 8],
            },
        },
        vision_config={
            "depth": shape.vision_layers,
            "hidden_size": shape.vision_hidden,
            "num_heads": shape.vision_heads,
            "intermediate_size": shape.vision_intermediate,
            "out_hidden_size": shape.hidden,
            "initializer_range": shape.spread,
            # Every eighth block looks at the whole picture; a small tower has one in four.
            "fullatt_block_indexes": list(range(7, shape.vision_layers, 8)) or [shape.vision_layers - 1],
        },
        tie_word_embeddings=shape.tied,
        **ids,
    )
    torch.manual_seed(seed)
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def qwen3(words: Any, *, seed: int = 0) -> Any:
    """A small Qwen3-VL model: pictures reach its first layers, too."""
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(words),
            **_ends(words),
            "hidden_size": 64,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "intermediate_size": 128,
            "initializer_range": 0.25,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 5e6,
                "mrope_section": [4, 2, 2],
                "mrope_interleaved": True,
            },
        },
        vision_config={
            "depth": 4,
            "hidden_size": 32,
            "num_heads": 2,
            "intermediate_size": 48,
            "out_hidden_size": 64,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 2],
            "initializer_range": 0.25,
        },
        **_special_ids(words),
    )
    torch.manual_seed(seed)
    return Qwen3VLForConditionalGeneration(config).eval()


def save(folder: Path, *, model: Any, words: Any, images: Any) -> Path:
    """Writes a checkpoint as it would come from the hub."""
    for part in (model, words, images):
        part.save_pretrained(folder)
    return folder


def _special_ids(words: Any) -> dict[str, int]:
    names = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    tokens = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    return {name: words.convert_tokens_to_ids(token) for name, token in zip(names, tokens, strict=True)}


def _texts() -> Sequence[str]:
    # Each word also at a line's start: that is how the answers stand.
    lines = [SYSTEM, *(preset.instruction for preset in PRESETS.values())]
    return [*lines * 5, *(f"{word}\n {word}" for word in WORDS.split() for _ in range(20))]


def _ends(words: Any) -> dict[str, int]:
    first, last = words.convert_tokens_to_ids(["<|endoftext|>", "<|im_end|>"])
    return {"bos_token_id": first, "eos_token_id": last}
