"""Both towers run by torch as they are: on a GPU, and on a CPU where OpenVINO can't convert a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.encoders.open_clip.preparing import Prepared
from core.encoders.open_clip.running import best_batch
from core.encoders.open_clip.towers import PictureTower, TextTower
from core.encoders.open_clip.traits import Ids
from core.types import Vectors

LARGEST_BATCH = 256
TRIAL_SECONDS = 6.0


class EagerEngine:
    """core.encoders.open_clip.engine.Engine; safe for many threads."""

    def __init__(self, pictures: PictureTower, texts: TextTower, *, device: Any, dtype: torch.dtype) -> None:
        self._device, self._dtype = device, dtype
        self._pictures, self._texts = pictures.to(device).eval(), texts.to(device).eval()
        self.name = f"torch {device} {str(dtype).removeprefix('torch.')}"

    def pictures(self, pixels: NDArray[np.uint8]) -> Vectors:
        """uint8 (n, height, width, 3) to rows of length 1."""
        return self._run(self._pictures, pixels)

    def texts(self, ids: Ids) -> Vectors:
        """int64 (n, tokens) to rows of length 1."""
        return self._run(self._texts, ids)

    def batch(self, shape: tuple[int, int]) -> int:
        """How many pictures of that height and width at a time are the quickest."""
        blank: Prepared = np.zeros((1, *shape, 3), np.uint8)

        def through(count: int) -> object:
            return self.pictures(np.repeat(blank, count, axis=0))

        return best_batch(through, smallest=4, largest=LARGEST_BATCH, seconds=TRIAL_SECONDS)

    def _run(self, tower: torch.nn.Module, rows: NDArray[Any]) -> Vectors:
        # Autocast keeps sums and norms in float32: what the published vectors of these models come from.
        mixed = torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32)
        with torch.inference_mode(), mixed:
            # A copy: torch warns about arrays that can't be written to, which decoded pictures can't.
            found = tower(torch.from_numpy(np.array(rows)).to(self._device))
        return np.asarray(found.float().cpu().numpy(), np.float32)
