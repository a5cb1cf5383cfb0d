"""The language layers over batches: what is shared runs once, and of the vocabulary only two rows are asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

from rerank.vlm.checkpoint import Checkpoint
from rerank.vlm.tokens import PromptTokens
from rerank.vlm.vision import Seen


@dataclass(frozen=True, slots=True)
class Sequence3D:
    """Tokens to run, with the pictures among them and the place of each token."""

    ids: tuple[int, ...]
    places: Any
    """Tensor (3, tokens): frame, row and column for a picture's tokens, thrice the same for text."""
    pictures: tuple[Seen, ...]
    """In the order of their tokens."""


@dataclass(frozen=True, slots=True)
class Injected:
    """Pictures' features in the form in which the model takes them instead of pixels."""

    pooler_output: tuple[Any, ...]
    deepstack_features: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Prefix:
    """Keys and values of what comes first in all sequences of a question, once for each layer."""

    length: int
    layers: tuple[tuple[Any, Any], ...]

    def for_batch(self, size: int) -> Any:
        """A cache that grows on its own: the prefix itself is only looked at."""
        spread = [(k.expand(size, -1, -1, -1), v.expand(size, -1, -1, -1)) for k, v in self.layers]
        return DynamicCache(spread)


class Trunk:
    """The model's language side; one thread at a time runs it."""

    def __init__(self, checkpoint: Checkpoint, tokens: PromptTokens, *, two_rows: bool = True) -> None:
        self._model, self._device = checkpoint.model, checkpoint.device
        self._tokens, self._two_rows = tokens, two_rows
        rows = self._model.lm_head.weight[[tokens.yes, tokens.no]].float()
        # In float32: two bfloat16 logits near 18 differ in steps of 0.07.
        self._answer = rows[0] - rows[1]
        self._running = threading.Lock()

    def places(self, ids: Sequence[int], pictures: Sequence[Seen]) -> Any:
        """Where each token of a whole prompt stands: tensor (3, tokens)."""
        row = torch.tensor([list(ids)])
        grids = torch.tensor([seen.grid for seen in pictures]) if pictures else None
        # Asked for the whole prompt and given along: with a prefix the model itself would count on as in text.
        found, _ = self._model.model.get_rope_index(
            row, mm_token_type_ids=(row == self._tokens.picture).int(), image_grid_thw=grids
        )
        return found[:, 0]

    def prefix(self, sequence: Sequence3D) -> Prefix:
        """What the sequence leaves behind in each layer."""
        with self._running, torch.inference_mode():
            found = self._through_layers([sequence], None, use_cache=True).past_key_values
        return Prefix(len(sequence.ids), tuple((layer.keys, layer.values) for layer in found.layers))

    def differences(self, batch: Sequence[Sequence3D], prefix: Prefix | None = None) -> list[float]:
        """How much rather yes than no follows each sequence, behind the prefix where there is one: in logits."""
        with self._running, torch.inference_mode():
            hidden = self._through_layers(batch, prefix, use_cache=prefix is not None).last_hidden_state
            # Padded on the left: the last position is every sequence's own last.
            if self._two_rows:
                found = hidden[:, -1].float() @ self._answer
            else:
                logits = self._model.lm_head(hidden)[:, -1].float()
                found = logits[:, self._tokens.yes] - logits[:, self._tokens.no]
            return [float(difference) for difference in found.double().cpu()]

    def _through_layers(self, batch: Sequence[Sequence3D], prefix: Prefix | None, *, use_cache: bool) -> Any:
        longest = max(len(sequence.ids) for sequence in batch)
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        places = torch.zeros(3, len(batch), longest, dtype=torch.long)
        mask = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, sequence in enumerate(batch):
            start = longest - len(sequence.ids)
            ids[row, start:] = torch.tensor(sequence.ids)
            places[:, row, start:] = sequence.places
            mask[row, start:] = 1
        past = None
        if prefix is not None:
            past = prefix.for_batch(len(batch))
            mask = torch.cat([torch.ones(len(batch), prefix.length, dtype=torch.long), mask], dim=1)
        return self._model.model(
            input_ids=ids.to(self._device),
            attention_mask=mask.to(self._device),
            position_ids=places.to(self._device),
            past_key_values=past,
            mm_encoder_outputs=self._injected(batch),
            use_cache=use_cache,
        )

    def _injected(self, batch: Sequence[Sequence3D]) -> dict[str, Injected] | None:
        pictures = [picture.layers.to(self._device) for sequence in batch for picture in sequence.pictures]
        if not pictures:
            return None
        deeper = [tuple(p[layer] for p in pictures) for layer in range(1, pictures[0].shape[0])]
        return {"image": Injected(tuple(p[0] for p in pictures), deeper)}
