"""GET /api/v1/records/{id}: one published record, as JSON or as schema.org JSON-LD."""

import hashlib
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic_core import to_json
from sqlalchemy.orm import Session

from kb.db import get_session
from kb.records import service
from kb.records.jsonld import json_ld
from kb.records.privacy import public_value
from kb.records.service import Stored
from kb.records.urls import record_path
from kb.settings import Settings, get_settings
from schemas.language import Language

router = APIRouter(prefix="/api/v1", tags=["records"])

JSON_LD = "application/ld+json"

_EXAMPLE = {
    "type": "case_study",
    "id": "medellin-metrocable",
    "language": "es",
    "status": "published",
    "title": {"es": "Metrocable de Medellín", "en": "Medellín Metrocable"},
    "summary": {"en": "Cable cars that connect hillside neighbourhoods to the metro."},
    "topics": ["public-transport"],
    "sdgs": [
        {
            "code": "11.2",
            "primary": True,
            "passage": "Las cabinas conectan las laderas con el metro.",
            "passage_language": "es",
            "confidence": 0.94,
            "source": "machine",
            "reviewer": "Editorial team",
            "date": "2026-05-12",
        }
    ],
    "gender": {
        "marker": 1,
        "checklist": {"objective": True, "principal": False, "analysis": True},
        "passages": {"objective": "El proyecto busca que las mujeres viajen seguras."},
        "passage_language": "es",
        "source": "staff",
        "reviewer": "Editorial team",
        "date": "2026-05-12",
    },
    "links": [{"rel": "city", "to": "city-medellin"}],
    "meta": {
        "url": "https://example.org/es/case-studies/medellin-metrocable",
        "revision": 3,
        "created_at": "2026-03-01T09:00:00Z",
        "updated_at": "2026-05-12T16:30:00Z",
        "published_at": "2026-03-02T08:00:00Z",
        "stale_translations": ["en"],
    },
}
_LD_EXAMPLE = {
    "@context": "https://schema.org",
    "@type": "Article",
    "@id": "https://example.org/api/v1/records/medellin-metrocable",
    "name": "Metrocable de Medellín",
    "inLanguage": "es",
    "about": [{"@type": "DefinedTerm", "@id": "http://metadata.un.org/sdg/11.2", "termCode": "11.2", "name": "11.2"}],
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The record, in the shape of an import line, with what the database knows about it in `meta`.",
        "content": {"application/json": {"example": _EXAMPLE}, JSON_LD: {"example": _LD_EXAMPLE}},
    },
    304: {"description": "It has not changed since the ETag that was sent."},
    404: {
        "description": "There is no published record with this id.",
        "content": {
            "application/problem+json": {
                "example": {"type": "about:blank", "title": "Not found", "status": 404, "detail": "There is no ..."}
            }
        },
    },
}


@router.get("/records/{record_id}", responses=_RESPONSES, response_class=Response)
def read_record(
    record_id: str,
    request: Request,
    session: Annotated[Session, Depends(get_session, scope="function")],
    lang: Annotated[Language | None, Query(description="The language of the JSON-LD; else the record's own.")] = None,
) -> Response:
    """One published record. Send `Accept: application/ld+json` for schema.org JSON-LD.

    Each tag says who gave it (`source`: author, machine or staff), who stands for it (`reviewer`), since when, and on which
    `passage`; `state` is `disputed` while it is under review. In `gender`, `checklist` holds the answers that led to the
    `marker`, by ids of the vocabulary gender_criteria, and `passages` what each rests on; a question that is not there is not
    stated in the text; `state` is the marker's. Without a `marker` nobody has screened the record, which is not 0.
    """
    stored = service.get_public(session, record_id)
    settings = getattr(request.app.state, "settings", None) or get_settings()
    if prefers_json_ld(request.headers.get("accept", "")):
        language = lang or stored.record.language
        graph = json_ld(stored, language, _base_url(request, settings), settings.site_name)
        return _response(request, graph, JSON_LD, stored)
    return _response(request, _with_meta(stored, _base_url(request, settings)), "application/json", stored)


def _base_url(request: Request, settings: Settings) -> str:
    return (settings.public_url or str(request.base_url)).rstrip("/")


def _with_meta(stored: Stored, base_url: str) -> dict[str, Any]:
    record = stored.record
    return public_value(record) | {
        "meta": {
            "url": base_url + record_path(record.type, record.id, record.language),
            "revision": stored.revision,
            "created_at": stored.created_at,
            "updated_at": stored.updated_at,
            "published_at": stored.published_at,
            "stale_translations": sorted(stored.stale),
        }
    }


def _response(request: Request, value: dict[str, Any], media_type: str, stored: Stored) -> Response:
    body = to_json(value)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Last-Modified": format_datetime(stored.updated_at, usegmt=True),
        "Vary": "Accept",
        "Cache-Control": "no-cache",
    }
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if known & {etag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def prefers_json_ld(accept: str) -> bool:
    """Whether an Accept header likes JSON-LD better than JSON. Without a clear word it is JSON."""
    weights = dict(_weights(accept))
    wanted = weights.get(JSON_LD, 0.0)
    return wanted > 0 and wanted >= weights.get("application/json", 0.0)


def _weights(accept: str) -> list[tuple[str, float]]:
    found = []
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            found.append((name, float(quality)))
        except ValueError:
            found.append((name, 0.0))
    return found
