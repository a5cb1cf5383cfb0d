"""Where a picture's bytes come from: a file below the feed's folder, a public link, or the feed itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import UnreadableImage
from core.fetch import Fetcher
from core.images import from_data_uri
from core.picture_files import read_local, shown

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):")


def is_web_link(link: str) -> bool:
    """True for http(s) links: they are fetched once, and again only when their row changes."""
    return link[:8].lower().startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class PictureSources:
    """Reads the pictures of one feed."""

    root: Path | None
    """Paths start here, and none may leave it; None for what is sent from elsewhere, where no path means anything."""
    fetcher: Fetcher = field(default_factory=Fetcher)

    def read(self, link: str) -> bytes:
        """The bytes that a link leads to. Raises UnreadableImage."""
        if is_web_link(link):
            return self.fetcher.fetch(link)
        if link[:5].lower() == "data:":
            return from_data_uri(link)
        if self.root is None:
            reason = "paths are not read here; send the picture as a data: URI, or an http(s) link to it"
            raise UnreadableImage(shown(link[:200]), reason, code="bad_link")
        if (scheme := _SCHEME.match(link)) and not (self.root / link).exists():
            reason = f"{scheme[1]}: links are not read; use a path below the feed's folder, http(s) or data:"
            raise UnreadableImage(shown(link[:200]), reason, code="bad_link")
        return self._from_file(link, self.root)

    @staticmethod
    def _from_file(link: str, root: Path) -> bytes:
        try:
            return read_local(link, root)
        except UnreadableImage as error:
            # Feeds made on Windows separate folders by backslashes, which may stand in names elsewhere.
            if error.code != "missing" or "\\" not in link:
                raise
            return read_local(link.replace("\\", "/"), root)
