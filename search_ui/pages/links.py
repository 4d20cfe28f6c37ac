"""Broken links, by record: since when, and what is wrong; an editor can say that one is fine."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from kb.errors import KnowledgeBaseError
from kb.links import service as links
from schemas.base import Model
from search_ui.depends import SessionDep, SettingsDep
from search_ui.identity import Editor
from search_ui.inputs import FormDep, read, see_other
from search_ui.paging import Pages
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_PATH: Final = "/{lang:language}/desk/links"
_PER_PAGE: Final = 25


class Verdict(Model):
    """What an editor says of a link."""

    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    verdict: Literal["fine", "broken"]


@router.get(_PATH)
def links_page(
    request: Request,
    session: SessionDep,
    settings: SettingsDep,
    account: Editor,
    show: Annotated[str, Query(max_length=10)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """The records with broken links; ``show=fine``: those with links that editors found fine."""
    fine, counts, path = show == "fine", links.counts(session), f"/{language_of(request)}/desk/links"
    last = max(1, -(-(counts.fine if fine else counts.broken) // _PER_PAGE))
    current = min(number, last)
    return page(
        request,
        "links/links.html",
        section="desk",
        fine=fine,
        counts=counts,
        on=settings.checks_links,
        broken=links.broken(session, fine=fine, limit=_PER_PAGE, offset=(current - 1) * _PER_PAGE),
        pages=Pages(current, last, lambda to: f"{path}?show={'fine' if fine else 'broken'}&page={to}"),
    )


@router.post(_PATH)
def judge(request: Request, session: SessionDep, account: Editor, form: FormDep) -> Response:
    """Say that a link is fine, or that it is broken after all. One that is in no record any more needs no word."""
    language = language_of(request)
    asked, _ = read(form, Verdict, language)
    if asked is None:
        return see_other(f"/{language}/desk/links")
    try:
        links.set_fine(session, account, asked.key, asked.verdict == "fine")
    except KnowledgeBaseError:
        return see_other(f"/{language}/desk/links")
    return see_other(f"/{language}/desk/links", "saved", show="" if asked.verdict == "fine" else "fine")
