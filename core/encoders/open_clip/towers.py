"""open_clip's two towers as modules that take what is cheap to move, pixels and ids, and answer unit rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.transformer import TextTransformer, text_global_pool
from torch import Tensor, nn
from torch.nn.functional import normalize

from core.encoders.open_clip.preparing import Preparation


class PictureTower(nn.Module):
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


class TextTower(nn.Module):
    """Token ids (n, tokens) to float32 (n, dim), rows of length 1."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        text = model if hasattr(model, "token_embedding") else model.text
        self.is_causal = _is_causal(text, getattr(model, "text_pool_type", getattr(text, "pool_type", None)))
        self.padding = text.config.pad_token_id if isinstance(text, HFTextEncoder) else None
        """The id that is masked wherever it stands; None in a tower without such a mask."""

    def lengths(self, ids: Tensor) -> Sequence[int] | None:
        """How many ids of each text its vector depends on; None where it is all, padding included.

        A causal tower doesn't look beyond the token that stands for the text, a masked one not at padding.
        """
        if self.is_causal:
            ends = ids.argmax(dim=-1) if self._eos is None else (ids == self._eos).int().argmax(dim=-1)
            return (ends + 1).tolist()
        if self.padding is not None:
            return (ids != self.padding).sum(dim=-1).tolist()
        return None

    def forward(self, ids: Tensor) -> Tensor:
        found = self._causal(ids) if self.is_causal else self.model.encode_text(ids)
        return normalize(found.float(), dim=-1)

    @property
    def _text(self) -> Any:
        return self.model if hasattr(self.model, "token_embedding") else self.model.text

    @property
    def _eos(self) -> int | None:
        text = self._text
        kind = getattr(text, "text_pool_type", getattr(text, "pool_type", None))
        return getattr(text, "text_eos_id", getattr(text, "eos_id", None)) if kind == "eos" else None

    def _causal(self, ids: Tensor) -> Tensor:
        """open_clip's own computation, for texts of any length: it takes its mask and positions whole."""
        text, tokens = self._text, ids.shape[1]
        rows = text.token_embedding(ids) + text.positional_embedding[:tokens]
        rows = text.transformer(rows, attn_mask=text.attn_mask[:tokens, :tokens])
        kind = "argmax" if self._eos is None else "eos"
        pooled = text_global_pool(text.ln_final(rows), ids, kind, eos_token_id=self._eos)
        projection = text.text_projection
        if projection is None:
            return pooled
        return projection(pooled) if isinstance(projection, nn.Module) else pooled @ projection


class Patches(nn.Module):
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
    return plain and convolution.kernel_size == convolution.stride


def _is_causal(text: Any, pool_type: object) -> bool:
    """Whether a text's vector comes from a token that sees only what stands before it."""
    if isinstance(text, HFTextEncoder) or pool_type not in ("argmax", "eos"):
        return False
    has_class = isinstance(text, TextTransformer) and text.cls_emb is not None
    return text.attn_mask is not None and not has_class
