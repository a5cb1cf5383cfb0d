"""What Prometheus scrapes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.metrics import Metrics

router = APIRouter(include_in_schema=False)
TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


# In the thread pool: the catalogs are asked for their counts.
@router.get("/metrics")
def scrape(request: Request) -> Response:
    """All numbers of this server."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.scrape(), media_type=TEXT_FORMAT)
