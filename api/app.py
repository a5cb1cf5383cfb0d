"""The HTTP application: routes, problems and security headers around one search engine."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from api.admission import Admission
from api.budgets import Budgets
from api.context import ServerContext
from api.crew import ALONE, Crew
from api.description import REFUSED_ANYWHERE, DescribedApp
from api.doors import Doors
from api.errors import add_error_handlers
from api.headers import SecurityHeaders
from api.hosts import KnownHosts
from api.key_gate import KeyGate, KeyRules, ListedOrigins
from api.linked_pictures import LinkedPictures
from api.observing import observe
from api.places import Limits
from api.routes import docs, health, judge, judge_page, login, pages, products, search, writing
from api.sharing import Gate, PasswordGate
from api.static import VersionedFiles
from api.tracing import UNTRACED, Tracing
from api.uploads import Uploads
from core.pictures import PictureStore
from core.settings import ANY_HOST, Settings
from core.writing import ProductWriter
from search.engine import SearchEngine


def create_app(
    settings: Settings,
    engine: SearchEngine,
    gate: Gate | None = None,
    writer: ProductWriter | None = None,
    *,
    crew: Crew = ALONE,
    tracing: Tracing = UNTRACED,
) -> FastAPI:
    """The application, ready to serve; with a gate, for those alone whom it admits; without a writer, to read from."""
    app = DescribedApp(
        title="Lychee Search",
        version=version("lychee-search"),
        summary="Two-stage product image search.",
        # The viewers that FastAPI brings load their scripts from elsewhere; ours is api/routes/docs.py.
        docs_url=None,
        redoc_url=None,
        responses=REFUSED_ANYWHERE,
        telemetry=tracing.telemetry(),
        lifespan=tracing.lifespan(),
    )
    budgets = Budgets(settings.rate_limit, settings.rate_store)
    app.state.context = ServerContext(
        settings,
        engine,
        PictureStore(settings.data),
        Uploads(crew.pictures),
        budgets,
        LinkedPictures(),
        tracing.writer(writer),
    )
    app.state.doors = Doors(settings)
    add_error_handlers(app)
    # Innermost: who isn't let in costs no place.
    app.add_middleware(Admission, limits=Limits.of(settings, crew.workers))
    if gate is not None:
        app.state.gate = gate
        app.add_middleware(PasswordGate, gate=gate)
        app.include_router(login.router)
    rules = KeyRules(settings.search_keys_required, settings.cors_origins or ())
    app.add_middleware(KeyGate, doors=app.state.doors, rules=rules)
    app.add_middleware(ListedOrigins, doors=app.state.doors, rules=rules)
    # A page that lets its own name lead here has no session of ours, and no password.
    if gate is None and ANY_HOST not in (hosts := settings.allowed_hosts or (ANY_HOST,)):
        app.add_middleware(KnownHosts, hosts=hosts)
    app.add_middleware(SecurityHeaders)
    for routes in (search, judge, writing, products, health, pages, judge_page, docs):
        app.include_router(routes.router)
    app.mount("/static", VersionedFiles(), name="static")
    observe(app, engine, tracing=tracing, log_queries=settings.log_queries, crew=crew)
    return app
