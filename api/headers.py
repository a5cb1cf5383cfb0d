"""What every answer tells browsers not to do with it."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PICTURE_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""A browser that is shown a picture alone lays it out with styles of its own."""
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class SecurityHeaders:
    """ASGI middleware: adds them to every answer, and leaves what an answer says of itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_security_headers(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


def add_security_headers(headers: MutableHeaders) -> None:
    """Adds what an answer doesn't say of itself."""
    is_picture = headers.get("Content-Type", "").startswith("image/")
    headers["Content-Security-Policy"] = PICTURE_POLICY if is_picture else PAGE_POLICY
    # Shops show the pictures on their own pages; nothing else of ours is for other sites to embed.
    headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if is_picture else "same-origin")
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
