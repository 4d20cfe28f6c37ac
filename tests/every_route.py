"""Every route of an application, for tests that must not forget one."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from kb.db import SAFE_METHODS


def routes(app: FastAPI) -> Iterator[APIRoute]:
    """Those of the application itself and of the routers that it took in."""
    return _walk(app.routes)


def _walk(found: Iterable[Any]) -> Iterator[APIRoute]:
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        elif router := getattr(route, "original_router", None):
            yield from _walk(router.routes)


def changing(app: FastAPI) -> Iterator[tuple[str, str]]:
    """(method, path) of all that may change something."""
    for route in routes(app):
        yield from ((method, route.path) for method in sorted(route.methods - SAFE_METHODS))
