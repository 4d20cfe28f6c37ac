"""What the case studies of cities cover, for everybody. Its path stands before that of a goal (``subjects.py``), which it
would else be taken for: pages are taken in by the order of their names."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from search_ui import tag_coverage
from search_ui.depends import SessionDep
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)


@router.get("/{lang:language}/sdgs/coverage")
def coverage_page(request: Request, session: SessionDep) -> Response:
    """Goals, targets, gender themes and the marker, by region, country, city, year, kind and language."""
    found = tag_coverage.values(request, session, language_of(request), ("case_study",))
    return page(request, "subjects/coverage.html", section="sdgs", **found)
