"""The desk's analysis of tags: what is covered, what is missing, and how suggestions fare with those who decide."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from kb.tagging import analysis
from kb.tagging.analysis import Drift
from schemas.language import Language
from schemas.vocabulary import load
from search_ui import i18n, tag_coverage
from search_ui.depends import SessionDep
from search_ui.identity import Editor
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

#: Months and model versions that are shown.
_MONTHS: Final = 24


@router.get("/{lang:language}/desk/tags/analysis")
def analysis_page(request: Request, session: SessionDep, _account: Editor) -> Response:
    """Coverage, gaps and drift."""
    language = language_of(request)
    months, keys = analysis.drift(session)
    return page(
        request,
        "tags/analysis.html",
        section="desk",
        months=months[:_MONTHS],
        keys=[(drift, _name(drift, language), _queue(drift, language)) for drift in keys],
        **tag_coverage.values(request, session, language),
    )


def _name(drift: Drift, language: Language) -> str:
    kind, key = drift.name
    if kind == "sdg":
        return f"{key} {load('sdgs').label_of(key, language)}"
    return load("gender_themes").label_of(key, language) if kind == "theme" else i18n.gettext(key, language)


def _queue(drift: Drift, language: Language) -> str:
    """The queue of what is tagged or suggested with it; themes have none."""
    kind, key = drift.name
    return f"/{language}/desk/tags?view=decided&goal={key}" if kind == "sdg" else ""
