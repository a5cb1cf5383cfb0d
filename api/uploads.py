"""Query pictures that a page has sent: kept for a while, so that an address can name one and a plain form can use one."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path

from core.errors import DataFolderProblem, ForgottenPicture
from core.pictures import picture_hash

KEPT_BYTES = 64 * 1024 * 1024
_HALF_WRITTEN = ".half"


class Uploads:
    """The most recent query pictures by content, up to a budget of bytes; safe for many threads and processes."""

    def __init__(self, folder: Path | None = None, kept_bytes: int = KEPT_BYTES) -> None:
        """`folder` is shared by all who should find each other's pictures; without one it is made, and goes, too."""
        self._folder, self._kept_bytes = folder, kept_bytes
        self._lock = threading.Lock()

    def put(self, picture: bytes) -> str:
        """The id under which the picture can be used; DataFolderProblem where there is no room for it."""
        upload_id = picture_hash(picture)
        folder = self._place()
        try:
            # Written aside and renamed: another process must not read half of it.
            aside = folder / f"{secrets.token_hex(8)}{_HALF_WRITTEN}"
            aside.write_bytes(picture)
            aside.replace(folder / upload_id)
            self._trim(folder, upload_id)
        except OSError as error:
            raise DataFolderProblem(str(folder), error.strerror or str(error)) from error
        return upload_id

    def get(self, upload_id: str) -> bytes:
        """The picture; ForgottenPicture when it is no longer kept."""
        # The id comes from an address: only what could be one of ours is looked for.
        if self._folder is None or not upload_id.isalnum():
            raise ForgottenPicture
        try:
            return (self._folder / upload_id).read_bytes()
        except OSError as error:
            raise ForgottenPicture from error

    def _place(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="lychee-pictures-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            return self._folder

    def _trim(self, folder: Path, newest: str) -> None:
        """Removes the oldest, but never the one that was just sent."""
        held = []
        for entry in os.scandir(folder):
            with suppress(FileNotFoundError):  # another process trims, too
                state = entry.stat()
                held.append((entry.name == newest, state.st_mtime_ns, state.st_size, entry.name))
        over = sum(size for _, _, size, _ in held) - self._kept_bytes
        for is_newest, _, size, name in sorted(held):
            if over <= 0 or is_newest:
                return
            (folder / name).unlink(missing_ok=True)
            over -= size
