"""Query pictures that are named by their address: fetched from the public web, few at once, and told apart by nobody."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from api.places import elsewhere
from core.door_errors import ServerBusy
from core.errors import UnreadableImage
from core.fetch import Fetcher

LINK_SECONDS = 4.0
"""For one picture, redirects included."""
LINKS_AT_ONCE = 8
"""Each has a thread of the forty that requests run in."""
LINK_BYTES = 20_000_000
"""What a picture that is sent may have, too."""
LINK_UNITS = 10
"""Work that fetching one is charged as: somebody else's server is asked."""
_WEB_PORTS = frozenset({80, 443})
LINKED = "the picture behind image_url"
"""What it is called in refusals, wherever it was redirected to."""
_AGAIN_AFTER_SECONDS = 1
_SAID = {
    "bad_link": "send an http:// or https:// link without a user's name and with a usual port",
    "too_large": f"it is larger than {LINK_BYTES // 1_000_000} MB",
}
_NOT_FETCHED = "it can't be fetched; it has to lie on a server of the public internet that answers in time"
"""One sentence for a server that isn't there, isn't public, or doesn't answer: who asks learns nothing of our network."""


@dataclass(frozen=True, slots=True)
class LinkedPictures:
    """Fetches what links of queries lead to; safe for many threads."""

    at_once: int = LINKS_AT_ONCE
    fetcher: Fetcher = field(
        default_factory=lambda: Fetcher(seconds=LINK_SECONDS, max_bytes=LINK_BYTES, ports=_WEB_PORTS)
    )
    _free: threading.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_free", threading.Semaphore(self.at_once))

    def fetch(self, url: str) -> bytes:
        """The bytes behind a link; UnreadableImage, and ServerBusy where enough links are followed already."""
        if not self._free.acquire(blocking=False):
            raise ServerBusy(_AGAIN_AFTER_SECONDS)
        try:
            with elsewhere():
                return self.fetcher.fetch(url)
        except UnreadableImage as error:
            raise UnreadableImage(LINKED, _SAID.get(error.code, _NOT_FETCHED)) from None
        finally:
            self._free.release()
