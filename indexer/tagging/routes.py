"""The tagger as an API: /api/v1/tagging/suggest."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Engine

from indexer.search import Search
from indexer.tagging import opening
from indexer.tagging.opening import tagger_of
from indexer.tagging.service import Tagger, Taggers
from kb.limits import service as limits
from schemas.tagging import Suggestions, SuggestRequest

router = APIRouter(prefix="/api/v1/tagging", tags=["tagging"])

_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    429: {
        "description": "Too many texts from this network; `Retry-After` says how many seconds to wait",
        "content": _PROBLEM,
    },
    503: {
        "description": "No tagging model was trained for the embedding model of this site yet",
        "content": _PROBLEM,
    },
}


def _limited(request: Request) -> None:
    host = request.client.host if request.client else ""
    limits.check(request.app.state.engine, "tagging", limits.network_of(host))


def _tagger(request: Request) -> Tagger:
    search: Search = request.app.state.search
    taggers: Taggers = request.app.state.taggers
    return tagger_of(taggers, search)


def _engine(request: Request) -> Engine:
    found: Engine = request.app.state.engine
    return found


@router.post(
    "/suggest",
    summary="Suggest SDG targets, gender themes and a gender marker for a text, each with its evidence",
    dependencies=[Depends(_limited)],
    responses=_REFUSALS,
)
def suggest(
    asked: SuggestRequest, tagger: Annotated[Tagger, Depends(_tagger)], database: Annotated[Engine, Depends(_engine)]
) -> Suggestions:
    """All 17 goals with their probability, the best first; up to three targets a goal; the gender themes; a proposal for the
    OECD DAC marker with the passages for and against it, and what the text says to its criteria. ``start`` and ``end`` of
    a passage count characters of the text without white space around it. Suggestions are a machine's: a person decides."""
    return opening.suggest(database, tagger, asked.text, asked.language)
