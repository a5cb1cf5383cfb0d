"""The store of pictures: originals named by the hash of their bytes, thumbnails made when first asked for."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from core.errors import DataFolderProblem, UnreadableImage
from core.images import decode, probe
from core.types import Pixels

THUMB_SIDE = 320
_SAFE_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
"""What every browser shows and none runs."""
SERVED_TYPES = tuple(_SAFE_TYPES.values())
_HASH = re.compile(r"[0-9a-f]{32}")


def picture_hash(data: bytes) -> str:
    """The name of these bytes, everywhere."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class PictureStore:
    """Pictures by content under a data folder; files appear whole or not at all: many may write at once."""

    def __init__(self, data: Path) -> None:
        self._originals = data / "pictures"
        self._derived = data / "thumbs"

    def put(self, data: bytes, *, digest: str | None = None) -> str:
        """Keeps the bytes and answers their hash (`digest`, where the caller has it already)."""
        digest = digest or picture_hash(data)
        path = self._path(self._originals, digest)
        if not path.exists():
            _write_whole(path, data)
        return digest

    def read(self, digest: str) -> bytes:
        """The bytes as they came. Raises UnreadableImage where they are gone."""
        try:
            return self._path(self._originals, digest).read_bytes()
        except OSError as error:
            raise UnreadableImage(f"picture {digest}", "it is not in the store", code="missing") from error

    def discard(self, digest: str) -> None:
        """Forgets bytes that turned out to be no picture."""
        self._path(self._originals, digest).unlink(missing_ok=True)

    def original(self, digest: str) -> tuple[Path, str]:
        """A file that a browser may be given, and its media type; other formats are turned into JPEG once."""
        path = self._path(self._originals, digest)
        media_type = _SAFE_TYPES.get(probe(self.read(digest), source=f"picture {digest}").format)
        if media_type is not None:
            return path, media_type
        return self._made(digest, "-full", side=None), "image/jpeg"

    def thumb(self, digest: str) -> Path:
        """A JPEG of at most THUMB_SIDE pixels a side."""
        return self._made(digest, "", side=THUMB_SIDE)

    def _made(self, digest: str, suffix: str, *, side: int | None) -> Path:
        path = self._path(self._derived, digest).with_name(f"{digest}{suffix}.jpg")
        if not path.exists():
            pixels = decode(self.read(digest), source=f"picture {digest}", at_least=side or 0)
            _write_whole(path, jpeg(pixels, side))
        return path

    def _path(self, folder: Path, digest: str) -> Path:
        # Hashes also come in from the outside, in addresses: nothing else may become a path.
        if not _HASH.fullmatch(digest):
            raise UnreadableImage(f"picture {digest[:40]!r}", "it is not in the store", code="missing")
        return folder / digest[:2] / digest


def jpeg(pixels: Pixels, side: int | None = None) -> bytes:
    """The picture as a JPEG, of at most `side` pixels a side."""
    picture = Image.fromarray(pixels)
    if side is not None:
        picture.thumbnail((side, side))
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _write_whole(path: Path, data: bytes) -> None:
    """Writes aside and renames: a crash leaves no half picture under the name."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(aside).chmod(0o644)
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DataFolderProblem(str(path.parent), error.strerror or str(error)) from error
