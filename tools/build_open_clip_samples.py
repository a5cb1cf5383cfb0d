"""Lays 48 pictures of the demo shop out in one sheet, on which the open_clip encoder tries its engines.

    python -m tools.build_open_clip_samples

Writes core/encoders/open_clip/samples.jpg: eight columns, six rows.
"""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageOps

from core.encoders.open_clip.samples import COLUMNS, ROWS, SAMPLES, SIDE

PICTURES = Path(__file__).resolve().parents[1] / "indexer" / "demo" / "images"
PHOTOS = 40
"""Of the 48; the others are drawings."""


def main() -> None:
    """Writes the sheet."""
    chance = random.Random(1)
    photos, drawings = (sorted(PICTURES.glob(kind)) for kind in ("*.jpg", "*.webp"))
    chosen = chance.sample(photos, PHOTOS) + chance.sample(drawings, COLUMNS * ROWS - PHOTOS)
    chance.shuffle(chosen)
    sheet = Image.new("RGB", (COLUMNS * SIDE, ROWS * SIDE), "white")
    for place, path in enumerate(chosen):
        with Image.open(path) as picture:
            tile = ImageOps.fit(picture.convert("RGB"), (SIDE, SIDE), Image.Resampling.BICUBIC)
        sheet.paste(tile, (place % COLUMNS * SIDE, place // COLUMNS * SIDE))
    sheet.save(SAMPLES, quality=80)


if __name__ == "__main__":
    main()
