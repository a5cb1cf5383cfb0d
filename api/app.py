"""The HTTP application: routes, problems and security headers around one search engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from api.context import ServerContext
from api.errors import add_error_handlers
from api.routes import health, pages, products, search
from api.uploads import Uploads
from core.pictures import PictureStore
from core.settings import Settings
from search.engine import SearchEngine

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(settings: Settings, engine: SearchEngine) -> FastAPI:
    """The application, ready to serve."""
    app = FastAPI(
        title="Lychee Search",
        version=version("lychee-search"),
        summary="Two-stage product image search.",
    )
    app.state.context = ServerContext(settings, engine, PictureStore(settings.data), Uploads())
    add_error_handlers(app)
    app.middleware("http")(_with_security_headers)
    for routes in (search, products, health, pages):
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(packages=[("web", "static")]), name="static")
    return app


async def _with_security_headers(
    request: Request, answer: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await answer(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    # The API's own documentation page loads its viewer from elsewhere; everything else is ours alone.
    if request.url.path not in ("/docs", "/docs/oauth2-redirect"):
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
