"""What people reported: the list, one report, the decision. A moderator reads the reported message only."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from kb.errors import Invalid
from kb.messages import people, reports
from schemas.accounts import Account
from schemas.correspondence import Ruling
from search_ui.depends import SessionDep
from search_ui.identity import Needs
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other, typed
from search_ui.pages.messages import REASON_TEXTS, here
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

Moderator = Annotated[Account, Depends(Needs("moderate"))]


@router.get("/{lang:language}/desk/reports")
def listed(request: Request, session: SessionDep, account: Moderator, closed: bool = False) -> Response:
    """The reports, and who may not write; nothing of what was written."""
    return page(
        request, "messages/reports.html", section="desk", reports=reports.listed(session, closed=closed), closed=closed,
        suspended=people.suspended(session), reasons=REASON_TEXTS,
    )  # fmt: skip


@router.get("/{lang:language}/desk/reports/{report_id:id}")
def one(request: Request, session: SessionDep, account: Moderator, report_id: str) -> Response:
    """One report; with the message for who has opened it."""
    return _one(request, session, account, report_id)


def _one(
    request: Request, session: Session, account: Account, report_id: str, form: FormData | None = None,
    problems: Problems | None = None,
) -> Response:  # fmt: skip
    values: dict[str, Any] = typed(form, Ruling) if form else {}
    return page(
        request, "messages/moderate.html", status=422 if problems else 200, section="desk",
        report=reports.get(session, report_id), opened=reports.opened(session, account, report_id),
        reasons=REASON_TEXTS, values=values, problems=problems or {},
    )  # fmt: skip


@router.post("/{lang:language}/desk/reports/{report_id:id}/open")
def open_(request: Request, session: SessionDep, account: Moderator, report_id: str) -> Response:
    """Read the message: this is noted in the log."""
    reports.open_for(session, account, report_id)
    return see_other(f"/{language_of(request)}/desk/reports/{report_id}")


@router.post("/{lang:language}/desk/reports/{report_id:id}")
def close(request: Request, session: SessionDep, account: Moderator, report_id: str, form: FormDep) -> Response:
    """Decide on it."""
    ruling, problems = read(form, Ruling, language_of(request))
    if ruling is None:
        return _one(request, session, account, report_id, form, problems)
    try:
        reports.close(session, here(request), account, report_id, ruling)
    except Invalid as error:
        return _one(request, session, account, report_id, form, problem_of(error, language_of(request)))
    return see_other(f"/{language_of(request)}/desk/reports", done="saved")


@router.post("/{lang:language}/desk/writers/{account_id:id}/restore")
def restore(request: Request, session: SessionDep, account: Moderator, account_id: str) -> Response:
    """Let somebody write again."""
    reports.restore(session, account, account_id)
    return see_other(f"/{language_of(request)}/desk/reports", done="saved")
