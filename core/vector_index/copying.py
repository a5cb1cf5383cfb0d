"""A copy of a published index, taken while a newer one may take its place."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.vector_index.files import CURRENT, current_generation


def copy_current(folder: Path, target: Path) -> None:
    """Copies the generation in force into a folder that is not there yet; raises as `VectorIndex.open` does."""
    while True:
        generation = current_generation(folder)
        try:
            shutil.copytree(generation, target / generation.name)
        except (OSError, shutil.Error):
            shutil.rmtree(target, ignore_errors=True)
            # A newer generation may have replaced this one while it was being copied.
            if current_generation(folder) == generation:
                raise
        else:
            (target / CURRENT).write_text(generation.name)
            return
