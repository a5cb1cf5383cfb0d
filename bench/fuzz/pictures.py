"""Hostile pictures: small ones of every format, and the damaged, mutated in their headers and in their pixels.

Nothing here writes HEIC; one comes from the damaged pictures alone.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from PIL import Image

from bench.fuzz.feeds import damaged
from bench.fuzz.running import Target
from core.errors import UnreadableImage
from core.images import decode, probe

NASTY = Path(__file__).resolve().parents[3] / "shared" / "data" / "nasty_inputs" / "files"
"""Damaged pictures that lie beside the checkout; without them the made ones alone are mutated."""
_SMALL = 200_000
_NUMBERS = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x01", b"\xff\xff", b"\x80")
"""What sizes, counts and offsets break at."""


@cache
def originals() -> tuple[bytes, ...]:
    """Pictures to begin with."""
    found = sorted(NASTY.iterdir()) if NASTY.is_dir() else []
    nasty = [path.read_bytes() for path in found if path.is_file() and path.stat().st_size < _SMALL]
    return (*_made(), *nasty)


def _made() -> Iterable[bytes]:
    colour = Image.linear_gradient("L").resize((37, 23)).convert("RGB")
    pictures = {"RGB": colour, "P": colour.convert("P"), "L": colour.convert("L"), "RGBA": colour.convert("RGBA"),
                "1": colour.convert("1"), "CMYK": colour.convert("CMYK"), "I;16": colour.convert("I;16")}  # fmt: skip
    ways: list[tuple[str, str, dict[str, Any]]] = [
        ("JPEG", "RGB", {"progressive": True}), ("JPEG", "CMYK", {}), ("JPEG", "L", {}), ("PNG", "RGBA", {}),
        ("PNG", "P", {}), ("PNG", "I;16", {}), ("WEBP", "RGB", {"lossless": True}), ("WEBP", "RGBA", {}),
        ("GIF", "P", {}), ("AVIF", "RGB", {}), ("BMP", "RGB", {}), ("BMP", "1", {}), ("ICO", "RGBA", {}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}), ("TIFF", "1", {"compression": "group4"}),
        ("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "L", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", "CMYK", {}),
    ]  # fmt: skip
    for form, mode, options in ways:
        kept = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6
        pictures[mode].save(
            kept, form, **options, **({"exif": exif} if form in ("JPEG", "PNG", "WEBP") else {})
        )
        yield kept.getvalue()


def summed(data: bytes) -> bytes:
    """The same; in a PNG every chunk's sum is put right, or nothing behind a damaged byte would ever be read."""
    if not data.startswith(b"\x89PNG"):
        return data
    made, at = [data[:8]], 8
    while at + 12 <= len(data):
        end = at + 8 + min(int.from_bytes(data[at : at + 4]), len(data) - at - 12)
        made += [data[at:end], zlib.crc32(data[at + 4 : end]).to_bytes(4)]
        at = end + 4
    return b"".join([*made, data[at:]])


_DAMAGE = st.lists(
    st.tuples(
        st.integers(0, 200) | st.integers(0, _SMALL),
        st.sampled_from([0, 1, 1, 1, 1, 2, 3]),
        st.sampled_from(_NUMBERS) | st.binary(min_size=1, max_size=6),
    ),
    max_size=6,
)
PICTURES = st.builds(
    lambda number, damage: damaged(originals()[number % len(originals())], damage),
    st.integers(0, 499),
    _DAMAGE,
)
SIDES = st.sampled_from([0, 1, 192, 320])


def decoded(given: tuple[bytes, int]) -> None:
    """Decodes a picture as a query's and as a feed's is; what comes out is what was announced."""
    data, at_least = given
    header = probe(data, source="the picture")
    pixels = decode(data, source="the picture", at_least=at_least)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype.name != "uint8" or not pixels.size:
        raise AssertionError(f"{header} became {pixels.shape} of {pixels.dtype}")


def picture_targets() -> dict[str, Target]:
    """The decoder."""
    made = Target("pictures", st.tuples(PICTURES, SIDES), decoded, (UnreadableImage,))
    return {made.name: made}
