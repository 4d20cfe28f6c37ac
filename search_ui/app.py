"""The one place that assembles the application: the API's routers, the pages, errors, headers, jobs."""

import importlib
import os
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Depends, FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from indexer import jobs
from indexer.routes import router as search_api
from indexer.search import open_search
from indexer.tagging.routes import router as tagging_api
from indexer.tagging.service import Taggers
from kb.db import make_engine
from kb.records.routes import router as records_api
from kb.settings import Settings, get_settings
from kb.tagging.routes import router as tags_api
from search_ui import edge, errors, health, i18n, openapi, pages
from search_ui.identity import identify
from search_ui.render import STATIC, static_version

DESCRIPTION: Final = "Search and read what cities have tried. Everything that the site shows to the public is here."


class Application(FastAPI):
    """A FastAPI application whose headers also reach the answers of its outermost error handler."""

    def build_middleware_stack(self) -> ASGIApp:
        whole = edge.Measured(super().build_middleware_stack(), self.state.registry)
        secure = edge.SecurityHeaders(whole, https_only=self.state.settings.environment == "production")
        return edge.HeadAsGet(secure)


class VersionedFiles(StaticFiles):
    """Static files below a folder named after the hash of them all: that address may be kept for ever."""

    def get_path(self, scope: Scope) -> str:
        version, _, path = super().get_path(scope).partition(os.sep)
        scope["current"] = version == static_version()
        return path or version

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if scope["current"] else "no-cache"
        return response


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application with these settings. It expects a migrated database; ``kb serve`` sees to that."""
    settings = settings or get_settings()
    app = Application(
        title=settings.site_name,
        description=DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_lifespan,
        dependencies=[Depends(identify)],
    )
    _set_state(app, settings, health.registry())
    app.add_middleware(GZipMiddleware, minimum_size=800, compresslevel=6)
    app.add_middleware(edge.BodyLimit)
    app.add_middleware(edge.SameSite)
    errors.install(app)
    openapi.install(app)
    app.mount("/static", VersionedFiles(directory=STATIC), name="static")
    app.add_api_route("/", _to_language, include_in_schema=False)
    for router in (health.router, records_api, tags_api, search_api, tagging_api):
        app.include_router(router)
    for module in sorted(found.name for found in pkgutil.iter_modules(pages.__path__)):
        app.include_router(importlib.import_module(f"search_ui.pages.{module}").router)
    return app


def _set_state(app: FastAPI, settings: Settings, registry: CollectorRegistry) -> None:
    app.state.settings = settings
    app.state.registry = registry
    app.state.gauges = health.gauges(registry)
    app.state.taggers = Taggers(settings)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    await run_in_threadpool(_open, app)
    try:
        yield
    finally:
        await run_in_threadpool(_close, app)


def _open(app: FastAPI) -> None:
    app.state.engine = make_engine(app.state.settings)
    app.state.search = open_search(app.state.settings, app.state.engine)
    jobs.start(app)


def _close(app: FastAPI) -> None:
    jobs.stop(app)
    app.state.engine.dispose()


def _to_language(request: Request) -> Response:
    """``/`` leads to the language that the reader's browser asks for."""
    language = i18n.negotiate(request.headers.get("accept-language"))
    return RedirectResponse(f"/{language}/", 302, {"Vary": "Accept-Language", "Cache-Control": "no-cache"})
