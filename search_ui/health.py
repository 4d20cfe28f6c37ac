"""For those who run the site: is it up, is it ready, and its figures for Prometheus."""

from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    generate_latest,
)
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from kb.db import transaction
from kb.work import service as work
from schemas.search import IndexStatus, JobStatus

router = APIRouter(include_in_schema=False)

_GAUGES = {
    "records": "Records in the index",
    "passages": "Passages in the index",
    "embedded": "Passages whose vector is there",
    "waiting": "Edits that the index has not taken in yet",
    "refused": "Records that the search engine did not take",
    "bytes": "Size of the index",
}


def registry() -> CollectorRegistry:
    """A registry of its own for each app, with the gauges of the index."""
    return CollectorRegistry(auto_describe=True)


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """The database answers, without which no page works; the index is told too, but pages work while it is away."""
    try:
        with transaction(request.app.state.engine, readonly=True) as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return JSONResponse({"status": "unavailable", "database": "away"}, 503, {"Retry-After": "5"})
    return JSONResponse({"status": "ready", "database": "ok", "index": "ok" if index_status(request) else "away"})


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Requests by route and status, times, and where the index stands, as Prometheus text."""
    status = index_status(request)
    for name, gauge in request.app.state.gauges.items():
        gauge.set(getattr(status, name) if status else float("nan"))
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


def index_status(request: Request) -> IndexStatus | None:
    """Where the index stands; None while it does not answer."""
    try:
        with transaction(request.app.state.engine, readonly=True) as session:
            found: IndexStatus = request.app.state.search.status(session)
            return found
    except Exception:  # the engine may be any of several, each with errors of its own
        return None


def jobs(request: Request) -> list[JobStatus]:
    """How far the long jobs are; the database knows it while the index is away, too."""
    with transaction(request.app.state.engine, readonly=True) as session:
        return work.jobs(session)


def gauges(registry: CollectorRegistry) -> dict[str, Any]:
    """The gauges of the index, by name."""
    return {name: Gauge(f"kb_index_{name}", text, registry=registry) for name, text in _GAUGES.items()}
