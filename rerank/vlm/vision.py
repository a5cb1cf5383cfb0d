"""What the vision tower makes of a picture: computed once, then kept in memory and, for a catalogue's pictures, on disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from core.errors import UnreadableImage
from core.types import Pixels
from rerank.judgement import Picture
from rerank.vlm.checkpoint import Checkpoint
from rerank.vlm.running import run_in_parts
from rerank.vlm.vision_files import Stored, VisionFiles

LEAST_VISUAL_TOKENS = 4
MEMORY_BYTES = 256 << 20
_BITS = {2: (torch.int16, np.uint16), 4: (torch.int32, np.uint32)}


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture as the language layers get it."""

    grid: tuple[int, int, int]
    """Patches: frames, rows, columns."""
    layers: Any
    """Tensor (layers, visual tokens, width): the tower's output, then what Qwen3-VL gives to deeper layers."""

    @property
    def tokens(self) -> int:
        return int(self.layers.shape[1])


class Vision:
    """Pictures to features; a picture that was seen under the same budget by the same model is not seen again."""

    def __init__(
        self, checkpoint: Checkpoint, *, max_pixels: int, files: VisionFiles | None, cached: bool = True
    ) -> None:
        self._checkpoint, self._files, self._cached = checkpoint, files, cached
        least = LEAST_VISUAL_TOKENS * checkpoint.token_side**2
        self._size = {"shortest_edge": least, "longest_edge": max(max_pixels, least)}
        self._model_and_budget = f"{checkpoint.identity}+{max_pixels}"
        self._memory = SeenMemory(MEMORY_BYTES)
        self._running = threading.Lock()

    def see(self, picture: Picture, *, keep: bool) -> Seen:
        """The picture's features, on disk too with `keep`; UnreadableImage, RerankerProblem."""
        if not self._cached:
            return self._computed(picture)
        name = self._name(picture, keep)
        found = self._memory.get(name) or self._read(name, keep)
        if found is None:
            found = self._computed(picture)
            if keep and self._files is not None:
                self._files.put(name, _stored(found))
        self._memory.put(name, found)
        return found

    def warm(self, picture: Picture) -> None:
        """Sees the picture unless the disk has it: UnreadableImage, RerankerProblem."""
        if self._files is None or not self._files.has(self._name(picture, keep=True)):
            self.see(picture, keep=True)

    def _name(self, picture: Picture, keep: bool) -> str:
        # A shop's picture and the same one sent by a visitor are decoded at different sizes.
        return f"{self._model_and_budget}+{'shop' if keep else 'sent'}+{picture.hash}"

    def _read(self, name: str, keep: bool) -> Seen | None:
        stored = self._files.get(name) if keep and self._files is not None else None
        return None if stored is None else _seen(stored, self._checkpoint.dtype)

    def _computed(self, picture: Picture) -> Seen:
        patches = self._patches(picture.load(), picture.hash)
        with self._running, torch.inference_mode():
            return run_in_parts(
                [patches], lambda one: [self._through_tower(one[0])], model=self._checkpoint.name
            )[0]

    def _patches(self, pixels: Pixels, name: str) -> Any:
        # A copy: decoded pixels are read-only, which torch's tensors can't be.
        image = torch.from_numpy(np.array(pixels.transpose(2, 0, 1)))
        try:
            return self._checkpoint.image_processor(
                [image], size=self._size, return_tensors="pt", input_data_format="channels_first"
            )
        except ValueError as error:
            raise UnreadableImage(f"picture {name}", str(error), code="not_a_picture") from error

    def _through_tower(self, patches: Any) -> Seen:
        device = self._checkpoint.device
        grids = patches["image_grid_thw"]
        found = self._checkpoint.model.model.get_image_features(
            patches["pixel_values"].to(device), image_grid_thw=grids.to(device)
        )
        deeper = [layer[0] for layer in getattr(found, "deepstack_features", None) or ()]
        layers = torch.stack([found.pooler_output[0], *deeper]).to("cpu", self._checkpoint.dtype)
        frames, rows, columns = grids[0].tolist()
        return Seen((frames, rows, columns), layers)


class SeenMemory:
    """The pictures used last, up to a number of bytes; safe for many threads."""

    def __init__(self, budget: int) -> None:
        self._budget, self._held = budget, 0
        self._kept: OrderedDict[str, Seen] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Seen | None:
        with self._lock:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
            return found

    def put(self, name: str, seen: Seen) -> None:
        with self._lock:
            if name in self._kept:
                return
            self._kept[name] = seen
            self._held += seen.layers.nbytes
            while self._held > self._budget:
                _, oldest = self._kept.popitem(last=False)
                self._held -= oldest.layers.nbytes


def _stored(seen: Seen) -> Stored:
    signed, unsigned = _BITS[seen.layers.element_size()]
    return Stored(seen.grid, seen.layers.view(signed).numpy().view(unsigned))


def _seen(stored: Stored, dtype: torch.dtype) -> Seen:
    # numpy knows no bfloat16: the bits travel as whole numbers.
    signed = stored.bits.view(np.dtype(f"i{stored.bits.itemsize}")).copy()
    return Seen(stored.grid, torch.from_numpy(signed).view(dtype))
