"""Bytes to an RGB picture: the only decoder, and the only module that knows Pillow's readers."""

from __future__ import annotations

import base64
import binascii
import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import unquote_to_bytes

import numpy as np
import pi_heif
from PIL import Image, ImageCms, _imaging

from core.errors import UnreadableImage
from core.types import Pixels

MAX_BYTES = 40_000_000
MAX_PIXELS = 100_000_000
LARGE_PIXELS = 8_000_000
"""From so many pixels on, pictures are decoded one at a time: several at once would fill the memory."""
ENCODER_SIDE = 320
"""`at_least` for pictures that an encoder gets, from feeds and queries alike: the largest tower's side."""
MAX_SCAN_PIXELS = 2_000_000_000
"""Scans of a progressive JPEG times its pixels: what a decoder can be made to walk through."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "BMP", "TIFF", "ICO")
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HEADER = threading.Lock()
_LARGE = threading.Lock()
_STRIP = 64

pi_heif.register_heif_opener(thumbnails=False)
# Pillow's own guard is the second line: it also sees pictures inside pictures (a PNG in an ICO).
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Pixels in few large blocks go back to the system when a picture is done; many small ones stay in the heap.
_imaging.set_block_size(128 << 20)


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a picture say, before any pixel is decoded."""

    format: str
    """Pillow's name in capitals: JPEG, PNG, WEBP, GIF, AVIF, HEIF, BMP, TIFF, ICO."""
    width: int
    height: int
    """As stored: an EXIF orientation may swap the two."""


def decode(data: bytes, *, source: str, at_least: int = 0) -> Pixels:
    """The picture's first frame: sRGB, upright, transparency laid on white.

    `source` names the picture in the error. With `at_least` the picture may come shrunk by a whole factor,
    as long as its shorter side keeps that many pixels: much cheaper for photos. Raises UnreadableImage.
    """
    with _open(data, source) as image:
        if at_least and image.format in ("JPEG", "MPO"):
            image.draft(None, (at_least, at_least))
        with _LARGE if image.width * image.height > LARGE_PIXELS else nullcontext():
            return _pixels(image, source, at_least)


def probe(data: bytes, *, source: str) -> Header:
    """Format and stored size from the header alone, after the same guards as `decode`."""
    with _open(data, source) as image:
        return Header("JPEG" if image.format == "MPO" else str(image.format), image.width, image.height)


def from_data_uri(uri: str) -> bytes:
    """The bytes of a `data:` URI, whatever media type it claims."""
    head, comma, body = uri.partition(",")
    if not comma or not head[:5].lower() == "data:":
        raise UnreadableImage("data URI", "it is not of the form data:image/…;base64,…", code="bad_link")
    if len(body) > MAX_BYTES * 4 // 3 + 4:
        raise UnreadableImage("data URI", f"it holds more than {MAX_BYTES // 1_000_000} MB", code="too_large")
    try:
        raw = unquote_to_bytes(body)
        return base64.b64decode(b"".join(raw.split()), validate=True) if ";base64" in head.lower() else raw
    except (binascii.Error, ValueError) as error:
        raise UnreadableImage("data URI", "its base64 text is broken", code="bad_link") from error


def _pixels(image: Image.Image, source: str, at_least: int) -> Pixels:
    try:
        upright = _upright(_shrunk(_loaded(image), at_least), _orientation(image))
        return np.ascontiguousarray(np.asarray(_srgb(upright)))
    except Exception as error:  # on hostile bytes a decoder raises anything
        reason = f"the picture is damaged ({_sentence(error)})"
        raise UnreadableImage(source, reason, code="damaged") from error


def _open(data: bytes, source: str) -> Image.Image:
    """The picture with its header read and every guard passed, no pixel decoded yet."""
    _refuse_by_bytes(data, source)
    try:
        # Pillow warns about broken EXIF and huge sizes while it reads the header. Filters belong to the whole
        # process, so one thread at a time changes them; the header is quick, the decoding runs beside it.
        with _HEADER, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=_FORMATS)
            _read_exif(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(source) from error
    except Exception as error:
        reason = "it is no picture of a known format, or its header is damaged"
        raise UnreadableImage(source, reason, code="not_a_picture") from error
    _refuse_by_size(image, data, source)
    return image


def _refuse_by_bytes(data: bytes, source: str) -> None:
    if not data:
        raise UnreadableImage(source, "the file is empty", code="empty")
    if len(data) > MAX_BYTES:
        raise UnreadableImage(source, f"it is larger than {MAX_BYTES // 1_000_000} MB", code="too_large")
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<svg") or (
        head.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in head
    ):
        raise UnreadableImage(source, "SVG is not supported: save it as PNG or JPEG", code="svg")
    if head.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        raise UnreadableImage(source, "it is a web page, not a picture", code="not_a_picture")


def _refuse_by_size(image: Image.Image, data: bytes, source: str) -> None:
    pixels = image.width * image.height
    if pixels <= 0:
        raise UnreadableImage(source, "its width or height is 0", code="not_a_picture")
    if pixels > MAX_PIXELS:
        raise _too_many_pixels(source)
    # The two bytes of a scan's marker never stand in coded pixels: counting them bounds the decoder's work.
    if image.format in ("JPEG", "MPO") and pixels * data.count(b"\xff\xda") > MAX_SCAN_PIXELS:
        raise UnreadableImage(
            source, "its many progressive scans would take too long", code="too_many_pixels"
        )


def _too_many_pixels(source: str) -> UnreadableImage:
    reason = f"it declares more than {MAX_PIXELS // 1_000_000} megapixels"
    return UnreadableImage(source, reason, code="too_many_pixels")


def _read_exif(image: Image.Image) -> None:
    """Reads EXIF under the header's warning filter; a broken block counts as none."""
    try:
        image.getexif()
    except Exception:
        image.info.pop("exif", None)


def _loaded(image: Image.Image) -> Image.Image:
    """Decoded, in a mode whose pixels are levels that can be averaged."""
    image.load()
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _from_deep_grey(image)
    if image.mode in ("P", "PA") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("L") if image.mode == "1" else image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # hostile EXIF raises anything, and a picture is worth more than its EXIF
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if image.mode in ("LA", "La", "RGBA", "RGBa"):
        image = _on_white(image.convert("RGBA"))
    if isinstance(profile, bytes) and image.mode in ("RGB", "CMYK"):
        image = _through_profile(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size, (255, 255, 255))
    flat.paste(image, mask=image.getchannel("A"))
    return flat


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Converted to sRGB; a profile that is broken, or fits other pictures, is ignored."""
    try:
        found = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(found).lower():
            return image
        converted = ImageCms.profileToProfile(image, found, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted or image


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and floating grey come out as a ramp, where Pillow's own conversion clips to white."""
    grey = np.asarray(image).astype(np.float32)
    finite = np.nan_to_num(grey, nan=0.0, posinf=0.0, neginf=0.0)
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65_535.0
    else:
        low, high = min(0.0, float(finite.min())), float(finite.max())
        high = next((bound for bound in (1.0, 255.0, 65_535.0) if high <= bound), high)
    levels = (finite - low) * (255.0 / max(high - low, 1e-9))
    return Image.fromarray(np.rint(levels).clip(0, 255).astype(np.uint8)).convert("RGB")


def _shrunk(image: Image.Image, at_least: int) -> Image.Image:
    """Before all else, so that no further copies of a large picture are made."""
    factor = min(image.size) // at_least if at_least else 1
    if factor <= 1:
        return image
    width, height = image.size
    small = Image.new(image.mode, (-(-width // factor), -(-height // factor)))
    small.info = image.info
    # In strips: averaging transparent pixels takes a copy of them.
    step = _STRIP * factor
    for top in range(0, height, step):
        strip = image.crop((0, top, width, min(height, top + step)))
        small.paste(strip.reduce(factor), (0, top // factor))
    return small


def _sentence(error: Exception) -> str:
    text = str(error).strip().rstrip(".") or type(error).__name__
    return text[:200]
