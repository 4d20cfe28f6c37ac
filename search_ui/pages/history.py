"""A record's versions for editors and for those whose record it is: compare any two, bring one back."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from kb.editorial import history
from kb.errors import KnowledgeBaseError
from kb.records import service as records
from schemas.accounts import Account
from schemas.base import Model
from search_ui.depends import SessionDep
from search_ui.identity import Needs, SignedIn
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other, typed
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_PATH: Final = "/{lang:language}/desk/records/{record_id}/history"
Number = Annotated[int | None, Query(ge=0, le=2**31 - 1)]


class Restore(Model):
    """The form that brings a version back."""

    number: int = Field(ge=1, le=2**31 - 1)
    expected: int
    comment: str = Field(default="", max_length=500)


@router.get(_PATH)
def history_page(
    request: Request,
    session: SessionDep,
    account: SignedIn,
    record_id: str,
    old: Number = None,
    new: Number = None,
) -> Response:
    """All versions, and what is different between two: the newest and the one before it, unless the address says otherwise."""
    return _page(request, session, account, record_id, old, new)


@router.post(_PATH)
def restore(
    request: Request,
    session: SessionDep,
    account: Annotated[Account, Depends(Needs("publish"))],
    record_id: str,
    form: FormDep,
) -> Response:
    """Bring a version back."""
    language = language_of(request)
    asked, problems = read(form, Restore, language)
    status = 422
    if asked:
        try:
            history.restore(session, account, record_id, asked.number, asked.comment, expected=asked.expected)
        except KnowledgeBaseError as error:
            problems, status = problem_of(error, language), error.status
        else:
            return see_other(request.url.path, "saved")
    values = typed(form, Restore)
    said = str(values.get("number", ""))
    number = int(said) if said.isdecimal() and len(said) < 9 else None
    return _page(request, session, account, record_id, None, number, values=values, problems=problems, status=status)


def _page(
    request: Request,
    session: Session,
    account: Account,
    record_id: str,
    old: int | None,
    new: int | None,
    *,
    values: dict[str, Any] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    entries = history.log(session, account, record_id)
    newest = entries[0].number
    new = new or newest
    old = (newest if new != newest else newest - 1) if old is None else old
    return page(
        request,
        "history/history.html",
        status=status,
        section="desk",
        record=records.get(session, record_id).record,
        entries=entries,
        old=old,
        new=new,
        changes=history.compare(session, record_id, old, new),
        values=values or {},
        problems=problems or {},
    )
