"""Pictures and texts on which engines are tried before they are trusted: a shop's, of many kinds."""

from __future__ import annotations

from pathlib import Path

from core.images import decode
from core.types import Pixels

SAMPLES = Path(__file__).with_name("samples.jpg")
COLUMNS, ROWS, SIDE = 8, 6, 240
TEXTS = (
    "black hoodie for men",
    "red leather sofa with oak legs",
    "浅粉色连衣裙",
    "fresh strawberries 500 g",
    "Winterjacke mit Kapuze",
    "stamp",
    "The fabric wicks moisture away from your skin. Ribbed cuffs block out the wind. Machine wash at 30 degrees.",
    "usb-c charger 65W",
    "不锈钢保温杯 500ml",
    "lipstick, shade 04 rosewood",
)


def sample_pictures() -> list[Pixels]:
    """48 pictures of 240 x 240 pixels: tools/build_open_clip_samples.py lays them out."""
    sheet = decode(SAMPLES.read_bytes(), source=SAMPLES.name)
    corners = [(row * SIDE, column * SIDE) for row in range(ROWS) for column in range(COLUMNS)]
    return [sheet[top : top + SIDE, left : left + SIDE] for top, left in corners]
