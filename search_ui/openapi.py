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
    for methods in description["paths"].values():
        for operation in methods.values():
            _correct(operation)
    return description


def _correct(operation: dict[str, Any]) -> None:
    if "422" in operation["responses"]:
        operation["responses"]["422"] = {"description": "Something in the request cannot be read", "content": _CONTENT}
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and parameter["name"] in _MEANINGS:
            parameter.setdefault("description", _MEANINGS[parameter["name"]])
