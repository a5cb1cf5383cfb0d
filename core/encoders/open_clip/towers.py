"""open_clip's two towers as modules that take what is cheap to move, pixels and ids, and answer unit rows."""

from __future__ import annotations

from typing import Any

import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.transformer import text_global_pool
from torch import Tensor, nn
from torch.nn.functional import normalize

from core.encoders.open_clip.preparing import Preparation
from core.encoders.open_clip.traits import Span


class PictureTower(nn.Module):  # type: ignore[misc]
    """uint8 (n, height, width, 3) to float32 (n, dim), rows of length 1."""

    def __init__(self, model: Any, preparation: Preparation) -> None:
        super().__init__()
        self.visual = model.visual
        mean, std = (torch.tensor(each).reshape(1, 3, 1, 1) for each in (preparation.mean, preparation.std))
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", -mean / std)
        self.is_folded = fold_normalisation(model.visual, preparation)

    def forward(self, pixels: Tensor) -> Tensor:
        planes = pixels.permute(0, 3, 1, 2)
        if not self.is_folded:
            planes = planes.to(self.scale.dtype) * self.scale + self.shift
        return normalize(self.visual(planes).float(), dim=-1)


class TextTower(nn.Module):  # type: ignore[misc]
    """Token ids (n, tokens) to float32 (n, dim), rows of length 1."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.span = span_of(model)
        self.is_causal = self.span.ending in ("highest", "token")

    def forward(self, ids: Tensor) -> Tensor:
        found = self._causal(ids) if self.is_causal else self.model.encode_text(ids)
        return normalize(found.float(), dim=-1)

    def _causal(self, ids: Tensor) -> Tensor:
        """open_clip's own computation, for texts of any length: it takes its mask and positions whole."""
        text, tokens = _text_of(self.model), ids.shape[1]
        rows = text.token_embedding(ids) + text.positional_embedding[:tokens]
        rows = text.transformer(rows, attn_mask=text.attn_mask[:tokens, :tokens])
        kind = "argmax" if self.span.ending == "highest" else "eos"
        pooled = text_global_pool(text.ln_final(rows), ids, kind, eos_token_id=self.span.token)
        projection = text.text_projection
        if projection is None:
            return pooled
        return projection(pooled) if isinstance(projection, nn.Module) else pooled @ projection


def span_of(model: Any) -> Span:
    """What of a text's ids the model looks at.

    A causal tower doesn't look beyond the token that stands for the text, one of the hub's not at its padding.
    """
    text = _text_of(model)
    if isinstance(text, HFTextEncoder):
        return Span("padding", int(text.config.pad_token_id))
    has_class = getattr(text, "cls_emb", None) is not None
    if text.attn_mask is None or has_class:
        return Span("none")
    match getattr(text, "text_pool_type", getattr(text, "pool_type", None)):
        case "argmax":
            return Span("highest")
        case "eos":
            return Span("token", int(text.text_eos_id if hasattr(text, "text_eos_id") else text.eos_id))
        case _:
            return Span("none")


def _text_of(model: Any) -> Any:
    """The older of open_clip's two layouts keeps the text tower's parts in the model itself."""
    return model if hasattr(model, "token_embedding") else model.text


class Patches(nn.Module):  # type: ignore[misc]
    """A convolution whose patches don't overlap, as one product of matrices, which every engine does faster."""

    def __init__(self, convolution: nn.Conv2d, preparation: Preparation) -> None:
        super().__init__()
        self.height, self.width = convolution.kernel_size
        mean, std = (torch.tensor(each).reshape(1, 3, 1, 1) for each in (preparation.mean, preparation.std))
        weight = convolution.weight
        bias = (weight * (-mean / std)).sum(dim=(1, 2, 3))
        if convolution.bias is not None:
            bias = bias + convolution.bias
        levels = (weight / (255 * std)).permute(0, 2, 3, 1).reshape(len(weight), -1)
        self.product = nn.Linear(levels.shape[1], len(weight))
        self.product.weight.data, self.product.bias.data = levels.contiguous(), bias

    def forward(self, planes: Tensor) -> Tensor:
        rows, columns = planes.shape[2] // self.height, planes.shape[3] // self.width
        patches = planes.permute(0, 2, 3, 1).reshape(-1, rows, self.height, columns, self.width * 3)
        patches = patches.permute(0, 1, 3, 2, 4).reshape(-1, rows * columns, self.height * self.width * 3)
        found = self.product(patches.to(self.product.weight.dtype))
        return found.permute(0, 2, 1).reshape(-1, found.shape[2], rows, columns)


def fold_normalisation(visual: nn.Module, preparation: Preparation) -> bool:
    """Has a vision transformer's first layer take pixels as they are; False where the first layer is another."""
    trunk = getattr(visual, "trunk", None)
    embedding = getattr(trunk, "patch_embed", None) if trunk is not None else visual
    name = "proj" if trunk is not None else "conv1"
    convolution = getattr(embedding, name, None)
    if not isinstance(convolution, nn.Conv2d) or not _is_patchwise(convolution):
        return False
    setattr(embedding, name, Patches(convolution, preparation))
    return True


def _is_patchwise(convolution: nn.Conv2d) -> bool:
    plain = convolution.padding == (0, 0) and convolution.dilation == (1, 1) and convolution.groups == 1
    return bool(plain and convolution.kernel_size == convolution.stride)
