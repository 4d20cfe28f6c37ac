"""/api/v1/tagging: tags with the codes of IATI for everybody; decisions, and what learning needs, for the editorial team."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from kb.db import transaction
from kb.tagging import exporting
from schemas.language import Language
from schemas.records import RecordType
from search_ui.depends import EngineDep
from search_ui.identity import Editor
from search_ui.openapi import problems

router = APIRouter(prefix="/api/v1/tagging", tags=["tagging"])

Lang = Annotated[Language, Query(description="The language of titles and labels.")]
Type = Annotated[RecordType | None, Query(description="Records of this type only.")]

_EXAMPLE: Final = (
    "record_id,type,title,country,element,vocabulary,vocabulary_uri,code,significance,narrative,...\r\n"
    "medellin-metrocable,case_study,Medellín Metrocable,CO,tag,3,,11.2,,Safe and affordable transport for all,...\r\n"
)


def _described(media_type: str, description: str, example: str = "") -> dict[int | str, dict[str, Any]]:
    content = {"schema": {"type": "string"}} | ({"example": example} if example else {})
    return {200: {"description": description, "content": {media_type: content}}}


_TAGS: Final = _described("text/csv", "One tag a row. No cell is a formula.", _EXAMPLE)
_DECISIONS: Final = _described("text/csv", "One decision a row, the oldest first. No cell is a formula.")
_TRAINING: Final = _described("application/x-ndjson", "One text a line.")


@router.get("/export.csv", responses=_TAGS, response_class=Response)
def export_tags(request: Request, engine: EngineDep, lang: Lang = "en", type: Type = None) -> Response:
    """The tags of all published records, with IATI's codes: a goal is a `tag` of vocabulary 2, a target one of vocabulary 3, a
    gender theme one of vocabulary 99 (ours), the gender marker a `policy-marker` of vocabulary 1 with code 1 and its
    significance 0, 1 or 2. Records that were not screened for gender have no row of the marker."""
    place = exporting.Place(lang, _origin(request))
    return _file(engine, "tags.csv", "text/csv", lambda session: exporting.tags_csv(session, place, type))


@router.get("/decisions.csv", responses=_DECISIONS | problems(401, 403), response_class=Response)
def export_decisions(
    request: Request, engine: EngineDep, _account: Editor, lang: Lang = "en", type: Type = None
) -> Response:
    """Every decision on a tag: when, by whom (as a code), on which passage, what the model had said. For the editorial team."""
    place = exporting.Place(lang, _origin(request))
    return _file(engine, "decisions.csv", "text/csv", lambda session: exporting.decisions_csv(session, place, type))


@router.get("/decisions.jsonl", responses=_TRAINING | problems(401, 403), response_class=Response)
def export_training(engine: EngineDep, _account: Editor) -> Response:
    """What a model can learn from: for each text that was decided on, its goals, targets, themes and marker. For the editorial
    team."""
    return _file(engine, "decisions.jsonl", "application/x-ndjson", exporting.training_jsonl)


def _file(engine: Engine, name: str, media_type: str, pieces_of: Callable[[Session], Iterator[str]]) -> Response:
    """The pieces as they are made, in a transaction of their own: the request's is over before the answer goes out."""

    def pieces() -> Iterator[str]:
        with transaction(engine, readonly=True) as session:
            yield from pieces_of(session)

    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return StreamingResponse(pieces(), media_type=f"{media_type}; charset=utf-8", headers=headers)


def _origin(request: Request) -> str:
    return (request.app.state.settings.public_url or str(request.base_url)).rstrip("/")
