"""The site's settings as pages need them: read now and then, not for every page."""

import logging
import time
from typing import Final

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from kb.db import transaction
from kb.site import service as sites
from schemas.site import Site

log = logging.getLogger(__name__)

#: Seconds that pages go on with what was read; whoever writes asks each time.
_FRESH: Final = 3.0


def current(app: FastAPI) -> Site:
    """The settings as they were read last."""
    found: Site = getattr(app.state, "site", None) or Site()
    return found


async def keep_fresh(app: FastAPI) -> None:
    """Read them again when that is some seconds ago. While the database is away the last ones hold."""
    if time.monotonic() < getattr(app.state, "site_until", 0.0):
        return
    app.state.site_until = time.monotonic() + _FRESH
    try:
        await run_in_threadpool(refresh, app)
    except SQLAlchemyError as error:
        log.warning("the site's settings could not be read: %s", type(error).__name__)


def refresh(app: FastAPI) -> None:
    """Read them now: for who has just changed one."""
    with transaction(app.state.engine, readonly=True) as session:
        app.state.site = sites.read(session)
