"""Errors as answers: problem documents (RFC 9457) under ``/api``, pages in the reader's language elsewhere."""

import logging
from typing import Any, Final

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kb.errors import KnowledgeBaseError, TooMany, Unauthenticated
from search_ui import i18n
from search_ui.i18n import N_
from search_ui.identity import lead_to_sign_in
from search_ui.inputs import said
from search_ui.render import language_of, page

log = logging.getLogger(__name__)

#: Status to what happened and what the reader can do about it. Other statuses are told as 400 or 500.
MESSAGES: Final[dict[int, tuple[str, str]]] = {
    400: (
        N_("This request cannot be answered"),
        N_("Something in it is not as it should be. Go back, check what you entered, and try again."),
    ),
    401: (N_("Sign in first"), N_("This is for people with an account, or needs the second factor of one.")),
    403: (N_("You may not see this"), N_("Ask the editorial team if you think that you should.")),
    404: (
        N_("This page is not here"),
        N_("It may have been renamed or withdrawn, or the address has a slip in it. Try the search."),
    ),
    405: (N_("This address does not take that"), N_("Go back to the page that you came from and use its form.")),
    409: (
        N_("Somebody else was faster"),
        N_("It changed while you were working on it. Look at the present state, then make your change again."),
    ),
    413: (N_("This is too large"), N_("Send less at once, or a smaller file.")),
    422: (
        N_("Something in this address cannot be read"),
        N_("A filter or a number in it is not valid. Start from the search page and choose again."),
    ),
    429: (N_("Too many requests"), N_("Wait a minute, then try again.")),
    500: (N_("Something went wrong on our side"), N_("It has been noted. Try again in a while; your data is safe.")),
    503: (
        N_("A part of the site is away right now"),
        N_("It should be back soon. Try the same page again in a minute."),
    ),
}
_RETRY: Final = {"Retry-After": "30"}


def install(app: FastAPI) -> None:
    """Make the app answer errors in this way."""
    app.exception_handler(KnowledgeBaseError)(_known)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_validation)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(NoConnectionFree, _overload)
    app.add_exception_handler(Exception, _unexpected)


def error_response(
    request: Request, status: int, detail: str = "", *, headers: dict[str, str] | None = None, **members: Any
) -> Response:
    """The answer to a request that failed. ``detail`` is English, for those who wrote the request."""
    heading, advice = MESSAGES.get(status) or MESSAGES[500 if status >= 500 else 400]
    headers = (headers or {}) | (_RETRY if status == 503 else {})
    if request.url.path.startswith("/api/"):
        detail = said(detail, "en", members)
        problem = {"type": "about:blank", "title": heading, "status": status, "detail": detail or advice} | members
        return JSONResponse(jsonable_encoder(problem), status, headers, media_type="application/problem+json")
    if i18n.is_message(detail):
        advice, detail = said(detail, language_of(request), members), ""
    return page(
        request, "error.html", status=status, headers=headers, heading=heading, advice=advice, detail=detail,
        status_code=status,
    )  # fmt: skip


def _known(request: Request, error: KnowledgeBaseError) -> Response:
    if isinstance(error, Unauthenticated) and not request.url.path.startswith("/api/"):
        return lead_to_sign_in(request, error)
    headers = {"Retry-After": str(error.members["retry_after"])} if isinstance(error, TooMany) else {}
    if isinstance(error, Unauthenticated):
        headers = {"WWW-Authenticate": "Bearer"}
    return error_response(request, error.status, error.detail, headers=headers, **error.members)


def _http(request: Request, error: HTTPException) -> Response:
    detail = error.detail if isinstance(error.detail, str) else ""
    return error_response(request, error.status_code, detail, headers=dict(error.headers or {}))


def _validation(request: Request, error: RequestValidationError) -> Response:
    found = [
        {"field": ".".join(str(part) for part in each["loc"][1:]), "reason": each["msg"]} for each in error.errors()
    ]
    detail = "; ".join(f"{each['field']}: {each['reason']}" for each in found)
    return error_response(request, 422, detail, errors=found)


def _database(request: Request, error: Exception) -> Response:
    log.exception("the database did not answer", exc_info=error)
    return error_response(request, 503)


def _overload(request: Request, error: Exception) -> Response:
    log.warning("no connection to the database is free: %s", error)
    return error_response(request, 503)


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected error at %r", request.url.path, exc_info=error)
    return error_response(request, 500)
