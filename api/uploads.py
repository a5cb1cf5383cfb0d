"""Query pictures that a page has sent: kept for a while, so that an address can name one and a plain form can use one."""

from __future__ import annotations

import threading
from collections import OrderedDict

from core.errors import ForgottenPicture
from core.pictures import picture_hash

KEPT_BYTES = 64 * 1024 * 1024


class Uploads:
    """The most recent query pictures by content, up to a budget of bytes; safe for many threads."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes, self._held = kept_bytes, 0
        self._lock = threading.Lock()

    def put(self, picture: bytes) -> str:
        """The id under which the picture can be used."""
        upload_id = picture_hash(picture)
        with self._lock:
            if upload_id not in self._pictures:
                self._held += len(picture)
            self._pictures[upload_id] = picture
            self._pictures.move_to_end(upload_id)
            while self._held > self._kept_bytes and len(self._pictures) > 1:
                _, oldest = self._pictures.popitem(last=False)
                self._held -= len(oldest)
        return upload_id

    def get(self, upload_id: str) -> bytes:
        """The picture; ForgottenPicture when it is no longer kept."""
        with self._lock:
            picture = self._pictures.get(upload_id)
        if picture is None:
            raise ForgottenPicture
        return picture
