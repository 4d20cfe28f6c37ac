"""The API's description of itself, made true: errors are problem documents, and every filter says what it takes."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from schemas.search import FACETS

PROBLEM: Final = {
    "type": "object",
    "description": "What went wrong, after RFC 9457.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The same for every problem of this kind."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do about it."},
        "errors": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"type": "string"}},
            "description": "For invalid input: each `field` with its `reason`.",
        },
    },
}
#: What those who send a token, or change something, may be told.
_REFUSALS: Final = {
    401: "No token was sent, or it is not known here, or it has expired",
    403: "The token or the account has no right to this, or the request comes from another site's page",
    429: "Too many requests with this token; `Retry-After` says how many seconds to wait",
}
_CONTENT: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
#: FastAPI's own description of invalid input, which does not hold here.
_REPLACED: Final = ("HTTPValidationError", "ValidationError")
_MEANINGS: Final = {
    facet.name: f"Ids of the vocabulary {facet.vocabulary}." for facet in FACETS if facet.vocabulary
} | {
    "q": 'Words or a question, in any of the three languages; "quoted phrases" and -exclusions.',
    "lang": "The language of labels, and of texts where they exist in it.",
    "country": "ISO 3166-1 codes of two letters.",
    "city": "Ids of city records.",
    "year_from": "Not older than this.",
    "year_to": "Not newer than this.",
    "spoken": "ISO 639-1 codes of languages that the expert speaks.",
    "availability": "Ids of the vocabulary availability.",
    "near": "A circle: latitude, longitude, kilometres, as 4.6,-74.1,50.",
    "limit": "Results in one answer.",
    "offset": "Results to skip.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses=`` of a route: what these refusals look like."""
    return {status: {"description": _REFUSALS[status], "content": _CONTENT} for status in statuses}


def install(app: FastAPI) -> None:
    """Make ``app.openapi()`` give this description."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _corrected(
                get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            )
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _corrected(description: dict[str, Any]) -> dict[str, Any]:
    types = description.setdefault("components", {}).setdefault("schemas", {})
    for name in _REPLACED:
        types.pop(name, None)
    types["Problem"] = PROBLEM
    description["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for methods in description["paths"].values():
        for operation in methods.values():
            _correct(operation)
    return description


def _correct(operation: dict[str, Any]) -> None:
    if "422" in operation["responses"]:
        operation["responses"]["422"] = {"description": "Something in the request cannot be read", "content": _CONTENT}
    # Whoever sends a token that is no good is told so, wherever they send it.
    operation["responses"].setdefault("401", problems(401)[401])
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and parameter["name"] in _MEANINGS:
            parameter.setdefault("description", _MEANINGS[parameter["name"]])
