"""Pages about the site itself: what it is, how accessible it is, how it is doing, its API."""

import sys
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kb.db import utcnow
from search_ui import __version__, i18n
from search_ui.health import index_status, jobs
from search_ui.render import page

router = APIRouter(include_in_schema=False)


@router.get("/{lang:language}/about")
def about(request: Request) -> HTMLResponse:
    """What this is, where the contents come from, and how to read the marks on a record."""
    return page(request, "about.html", section="about")


@router.get("/{lang:language}/accessibility")
def accessibility(request: Request) -> HTMLResponse:
    """The accessibility statement."""
    return page(request, "accessibility.html")


@router.get("/{lang:language}/status")
def status(request: Request) -> HTMLResponse:
    """Where the index stands and which versions run."""
    versions = {"Python": ".".join(str(part) for part in sys.version_info[:3])}
    versions |= {name: version(name) for name in ("fastapi", "sqlalchemy", "pydantic")}
    return page(
        request, "status.html", index=index_status(request), jobs=jobs(request), now=utcnow(), version=__version__,
        versions=versions,
    )  # fmt: skip


@router.get("/{lang:language}/api")
def api(request: Request) -> HTMLResponse:
    """The API, from its own OpenAPI description."""
    return page(request, "api.html", operations=_operations(request.app), types=_types(request.app))


@router.get("/api/docs")
def api_docs(request: Request) -> Response:
    """The documentation in the language that the reader prefers."""
    language = i18n.negotiate(request.headers.get("accept-language"))
    return RedirectResponse(f"/{language}/api", 302, {"Vary": "Accept-Language"})


def _operations(app: FastAPI) -> list[dict[str, Any]]:
    """Each method and path of the API with what its page shows."""
    return [
        {
            "id": operation.get("operationId", f"{method}{path}"),
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "description": operation.get("description", ""),
            "parameters": [_parameter(each) for each in operation.get("parameters", [])],
            "body": _types_of(operation.get("requestBody", {})),
            "responses": [
                (code, each["description"].rstrip("."), _types_of(each))
                for code, each in operation["responses"].items()
            ],
        }
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = parameter.get("schema", {})
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "required": parameter.get("required", False),
        "type": type_of(schema),
        "default": schema.get("default"),
        "description": parameter.get("description", ""),
    }


def _types_of(message: dict[str, Any]) -> list[str]:
    """The media types of a message, each with the type of its content where that is described."""
    described = {media: type_of(content.get("schema", {})) for media, content in message.get("content", {}).items()}
    return [media if kind == "any" else f"{kind} ({media})" for media, kind in described.items()]


def type_of(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words: ``list of string``, ``SearchResults``, ``"a" or "b"``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(type_of(choice) for choice in choices))
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _types(app: FastAPI) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """(name, description, fields) of each type that the API's answers are made of."""
    schemas = app.openapi().get("components", {}).get("schemas", {})
    return [
        (
            name,
            schema.get("description", ""),
            [
                (field, type_of(part), part.get("description", ""))
                for field, part in schema.get("properties", {}).items()
            ],
        )
        for name, schema in schemas.items()
    ]
