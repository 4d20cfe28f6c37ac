"""Administration: the audit log. Looking at it and taking it away are noted in it, too."""

import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, StringConstraints
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, QueryParams
from starlette.responses import HTMLResponse, Response

from kb.accounts import service as accounts
from kb.audit import service as audit
from kb.audit.service import Question
from kb.db import transaction, utcnow
from schemas.accounts import Account
from search_ui.depends import SessionDep
from search_ui.identity import Needs
from search_ui.inputs import FormDep, Problems, read
from search_ui.paging import number, paged
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False, prefix="/{lang:language}/admin/audit")

Auditor = Annotated[Account, Depends(Needs("audit"))]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320)]


class Asked(BaseModel):
    """What to look for. ``actor`` and ``subject`` may be an account's address, too."""

    actor: Line = ""
    action: Line = ""
    subject: Line = ""
    since: datetime.date | None = None
    until: datetime.date | None = None


@router.get("")
def log(request: Request, session: SessionDep, account: Auditor) -> HTMLResponse:
    """The newest notes, or those that were asked for."""
    given = _form(request.query_params)
    asked, problems = read(given, Asked, language_of(request))
    question, current = _question(session, asked or Asked()), number(request.query_params.get("page", ""))
    with transaction(request.app.state.engine, always=True) as noting:
        audit.note(noting, account.id, "audit.look", _subject(question), **_said(question))
    found, count = audit.search(session, question, current) if asked else ([], 0)
    return _page(request, session, found, count, current, dict(given), problems)


def _form(params: QueryParams) -> FormData:
    return FormData([(name, value) for name, value in params.multi_items() if name in Asked.model_fields])


def _question(session: Session, asked: Asked) -> Question:
    def id_of(text: str) -> str:
        row = accounts.by_email(session, text) if "@" in text else None
        return row.id if row else text

    return Question(id_of(asked.actor), asked.action, id_of(asked.subject), asked.since, asked.until)


def _subject(question: Question) -> str:
    return "" if "@" in question.subject else question.subject[:200]


def _said(question: Question) -> dict[str, str]:
    """What was asked for, without an address that is nobody's here."""
    asked = {"of": question.actor, "like": question.action, "since": question.since, "until": question.until}
    return {name: str(value) for name, value in asked.items() if value and "@" not in str(value)}


def _page(
    request: Request,
    session: Session,
    found: list[Any],
    count: int,
    current: int,
    values: dict[str, Any],
    problems: Problems,
) -> HTMLResponse:
    names = accounts.names(session, {row.actor for row in found} | {row.subject for row in found})
    return page(
        request, "admin/audit.html", section="admin", status=422 if problems else 200, found=found, count=count,
        names=names, actions=[(action, action) for action in audit.actions(session)], values=values, problems=problems,
        pages=paged(current, count, audit.PAGE, request.url.path, {name: text for name, text in values.items() if text}),
    )  # fmt: skip


@router.post("/export")
def export(request: Request, session: SessionDep, account: Auditor, form: FormDep) -> Response:
    """What was asked for, as CSV. A form and no link, for it leaves a note."""
    asked, _problems = read(form, Asked, language_of(request))
    question = _question(session, asked or Asked())
    audit.note(session, account.id, "audit.export", _subject(question), **_said(question))
    session.flush()
    name = f"audit-{utcnow():%Y%m%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(audit.as_csv(session, question), media_type="text/csv; charset=utf-8", headers=headers)
