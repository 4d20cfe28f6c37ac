"""Many contributions at once: a template to fill in, a look at what would happen, and then the drafts."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, Response

from kb.editorial import intake
from kb.records.files import Fault
from schemas.accounts import Account
from schemas.forms import FORMS
from schemas.language import Language
from schemas.messages import N_
from search_ui.depends import SessionDep
from search_ui.drafting import tables
from search_ui.identity import Needs
from search_ui.inputs import FormDep, Problems, said, see_other
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)
Importer = Annotated[Account, Depends(Needs("import"))]


@dataclass(frozen=True)
class Line:
    """A row of the preview."""

    number: int
    outcome: str
    title: str
    faults: list[tuple[str, str]]


@router.get("/{lang:language}/drafts/import")
def show(request: Request, account: Importer) -> HTMLResponse:
    """The templates, and where to send a filled one."""
    return _page(request, {})


def _page(request: Request, problems: Problems, **values: Any) -> HTMLResponse:
    return page(
        request, "drafts/import.html", status=422 if problems else 200, section="drafts", types=list(FORMS),
        problems=problems, **{"lines": None, "rows": "", "counts": {}} | values,
    )  # fmt: skip


@router.get("/{lang:language}/drafts/import/{type}.{ending}")
def template(request: Request, account: Importer, type: str, ending: str) -> Response:
    """The template of a type: its columns and an example."""
    kind = next((each for each in FORMS if each == type), None)
    if kind is None or ending not in ("csv", "xlsx"):
        return _page(request, {"": said(N_("There is no such template."), language_of(request))})
    rows = tables.template(kind, language_of(request))
    content, media_type = (
        (tables.as_csv(rows), "text/csv")
        if ending == "csv"
        else (tables.as_xlsx(rows), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )
    return Response(
        content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{kind}.{ending}"'}
    )


@router.post("/{lang:language}/drafts/import")
def preview(request: Request, session: SessionDep, account: Importer, form: FormDep) -> HTMLResponse:
    """What would become of each row. Nothing is saved."""
    language, sent = language_of(request), form.get("file")
    content = sent.file.read(tables.MAX_FILE + 1) if isinstance(sent, UploadFile) else b""
    if not content or not isinstance(sent, UploadFile):
        return _page(request, {"file": said(N_("Choose a file first."), language)})
    if len(content) > tables.MAX_FILE:
        return _page(request, {"file": said(N_("This is too large. Split it."), language)})
    rows, faults = tables.read(sent.filename or "", content)
    return _preview(request, session, account, rows, faults, language)


def _preview(
    request: Request, session: Session, account: Account, rows: list[Any], faults: list[Fault], language: Language
) -> HTMLResponse:
    planned = intake.plan(session, account, rows)
    lines = [_line(each, language) for each in planned]
    unread = [Line(fault.line, "refused", "", [(fault.field, tables.fault_said(fault, language))]) for fault in faults]
    good = [each for each in planned if each.outcome in ("created", "updated")]
    counts = {
        name: sum(line.outcome == name for line in lines + unread)
        for name in ("created", "updated", "unchanged", "refused")
    }
    return _page(
        request, {}, lines=sorted(lines + unread, key=lambda line: line.number), counts=counts,
        rows=json.dumps([[each.line, each.value] for each in good], ensure_ascii=False) if good else "",
    )  # fmt: skip


def _line(planned: intake.Planned, language: Language) -> Line:
    if planned.error:
        faults = tables.faults_said(planned.error, language)
    else:
        faults = [("", said(planned.reason, language))] if planned.reason else []
    record = planned.record
    title = record.title[record.language] if record else str(planned.value.get("id", ""))
    return Line(planned.line, planned.outcome, title, faults)


@router.post("/{lang:language}/drafts/import/confirm")
def confirm(request: Request, session: SessionDep, account: Importer, form: FormDep) -> Response:
    """Make the drafts of the rows that were shown. What has changed since is looked at again."""
    rows = _rows(str(form.get("rows", "")))
    if not rows:
        return _page(request, {"file": said(N_("Choose a file first."), language_of(request))})
    intake.carry_out(session, account, intake.plan(session, account, rows))
    return see_other(f"/{language_of(request)}/drafts", "imported")


def _rows(text: str) -> list[tuple[int, dict[str, Any]]]:
    try:
        given = json.loads(text)
        return [(int(line), dict(value)) for line, value in given][: intake.MOST]
    except (ValueError, TypeError):
        return []
