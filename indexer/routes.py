"""The search as an API: /api/v1/search and /api/v1/suggest."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from indexer import finder
from indexer.search import Search
from kb.db import get_session
from schemas.finder import FinderQuery, FinderResults
from schemas.language import Language
from schemas.search import IndexStatus, Point, SearchQuery, SearchResults, Suggestion

router = APIRouter(prefix="/api/v1", tags=["search"])


async def _search(request: Request) -> Search:
    # Async, since FastAPI runs all else in a thread.
    found: Search = request.app.state.search
    return found


Searching = Annotated[Search, Depends(_search)]
Reading = Annotated[Session, Depends(get_session, scope="function")]

_EXAMPLE_RESULT = {
    "id": "medellin-metrocable",
    "type": "case_study",
    "title": "Metrocable: cable cars as public transport",
    "language": "en",
    "url": "/en/case-studies/medellin-metrocable",
    "score": 0.21,
    "snippet": "The first cable car line that belongs to a city's public transport …",
    "marks": [[10, 19]],
    "why": {"exact": False, "words": ["cable", "car"], "tags": ["Public transport"], "meaning": 0.8},
    "original_language": "es",
    "languages": ["en", "es"],
    "city": "Medellín",
    "country": "Colombia",
    "year": 2004,
    "sdgs": ["11"],
    "demonstration": False,
}
_EXAMPLE = {
    "query": {"q": "cable car", "lang": "en"},
    "total": 1,
    "results": [_EXAMPLE_RESULT],
    "facets": {"type": [{"id": "case_study", "label": "Case study", "count": 1, "selected": False}]},
    "took_ms": 21.5,
    "did_you_mean": None,
    "understood": [["topic:public-transport", "Public transport"]],
    "notice": None,
}


@router.get(
    "/search",
    summary="Search all records by words and by meaning, in three languages at once",
    response_model=SearchResults,
    responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}},
)
def search(query: Annotated[SearchQuery, Query()], search: Searching, session: Reading) -> Response:
    """Filters may be repeated: OR within one name, AND between names. ``total`` counts what passes the relevance floor,
    so 0 means that nothing here answers the question. ``q`` takes "quoted phrases" and -exclusions."""
    # A model already: FastAPI would look through it again.
    return Response(search.answer(session, query).model_dump_json(), media_type="application/json")


_EXPERTS_EXAMPLE = {
    "query": {"q": "cable cars for hillside districts", "lang": "en"},
    "total": 1,
    "results": [
        {
            "expert": _EXAMPLE_RESULT
            | {
                "id": "expert-julian-echandia-roa",
                "type": "expert",
                "title": "Julián Echandía Roa",
                "url": "/en/experts/expert-julian-echandia-roa",
                "snippet": "Engineer who accompanies cities considering a cable car …",
            },
            "position": {"text": "Specialist in urban cable cars", "language": "en"},
            "organisation": "Taller Ladera",
            "spoken": ["es", "en", "pt"],
            "availability": "available",
            "proofs": [
                {
                    "record": _EXAMPLE_RESULT,
                    "part": {"text": "Led the operation of the first line", "language": "en"},
                    "standing": "team",
                }
            ],
        }
    ],
    "facets": {"spoken": [{"id": "es", "label": "Spanish", "count": 1, "selected": False}]},
    "took_ms": 35.0,
    "did_you_mean": None,
    "notice": None,
}


@router.get(
    "/experts/find",
    summary="Find experts by what is needed, in three languages at once",
    response_model=FinderResults,
    responses={200: {"content": {"application/json": {"example": _EXPERTS_EXAMPLE}}}},
)
def find_experts(query: Annotated[FinderQuery, Query()], search: Searching, session: Reading) -> Response:
    """An expert ranks by their profile and by the records that prove it; ``proofs`` says which, with the best passage and
    who stands by it: ``record`` (it names the expert), ``team`` (its people confirmed it), ``staff`` (the editorial team
    did) or ``stated`` (only the expert says so, which counts less). Only what experts make public is searched and told."""
    return Response(finder.find(search, session, query).model_dump_json(), media_type="application/json")


@router.get("/points", summary="The results that have a place, for a map")
def points(query: Annotated[SearchQuery, Query()], search: Searching, session: Reading) -> list[Point]:
    """At most 300, the best first; ``limit`` and ``offset`` do not matter."""
    return search.points(session, query)


@router.get("/suggest", summary="Completions while typing: terms, places, records")
def suggest(
    search: Searching,
    session: Reading,
    q: Annotated[str, Query(max_length=200, examples=["medel"])] = "",
    lang: Language = "en",
    limit: Annotated[int, Query(ge=1, le=20)] = 8,
) -> list[Suggestion]:
    """Each completion says what it is and which page it leads to."""
    return search.suggest(session, q, lang, limit)


@router.get("/status", summary="Where the index stands")
def status(search: Searching, session: Reading) -> IndexStatus:
    """Meaning is complete when ``embedded`` equals ``passages``, the index when ``waiting`` is 0."""
    return search.status(session)
