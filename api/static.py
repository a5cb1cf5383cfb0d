"""The files of the pages, for browsers to keep: an address that names their version is kept for good."""

from __future__ import annotations

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from web import static_version


class VersionedFiles(StaticFiles):
    """web/static; an address without the version in force is asked for again each time."""

    def __init__(self) -> None:
        super().__init__(packages=[("web", "static")])

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        current = scope["query_string"] == f"v={static_version()}".encode()
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if current else "no-cache"
        return response
