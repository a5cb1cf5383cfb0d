"""Checkpoints of open_clip's architectures with random weights, in a folder as the hub would lay it out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TINY: Mapping[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
"""The plain architecture at its smallest, with CLIP's own vocabulary."""
CLIP_PIXELS = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}


def save_random(structure: str | Mapping[str, Any], folder: Path, *, seed: int = 0, **pixels: Any) -> Path:
    """A built-in architecture by name, or one by its structure; `pixels` is its preprocessing."""
    import open_clip
    import torch

    torch.manual_seed(seed)
    facts = open_clip.get_model_config(structure) if isinstance(structure, str) else dict(structure)
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"model_cfg": facts, "preprocess_cfg": {**CLIP_PIXELS, **pixels}}
    (folder / "open_clip_config.json").write_text(json.dumps(whole), "utf-8")
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False, pretrained_text=False)
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder
