"""How the model's language layers are quantised, refused by name where that can't be."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch
from transformers import BitsAndBytesConfig

from core.errors import InvalidSetting

UNQUANTIZED = ["lm_head", "visual", "model.visual"]
"""Modules that stay as they are: errors of the head are errors of the score, and pictures suffer first."""


def quantization_of(wanted: str, dtype: torch.dtype) -> Any:
    """How transformers loads the language layers' products: 8bit, 4bit (NormalFloat), or None for as they are."""
    if wanted == "none":
        return None
    if find_spec("bitsandbytes") is None:
        raise InvalidSetting(
            "LYCHEE_QUANTIZE", wanted, "needs the package bitsandbytes; install it, or use none"
        )
    if wanted == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=UNQUANTIZED)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=UNQUANTIZED,
    )
