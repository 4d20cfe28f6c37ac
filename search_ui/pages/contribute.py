"""Begin to write, and what one has begun."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kb.accounts import service as accounts
from kb.editorial import drafts
from kb.editorial.tables import DraftRow
from kb.records import service as records
from schemas.base import Model
from schemas.forms import FORMS, PURPOSES
from schemas.language import AUTONYMS, Language
from schemas.records import RecordType
from search_ui.depends import SessionDep
from search_ui.drafting.pages import title
from search_ui.identity import Contributor, who
from search_ui.inputs import FormDep, Problems, read, see_other, typed
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)


class Beginning(Model):
    """What somebody wants to write."""

    type: RecordType
    language: Language


@router.get("/{lang:language}/contribute")
def contribute(request: Request, session: SessionDep) -> HTMLResponse:
    """What contributing is, and the choice of a type. Everybody may read it."""
    return _start(request, session, {}, {})


def _start(request: Request, session: Session, values: dict[str, str], problems: Problems) -> HTMLResponse:
    account = who(request)
    owned = records.load(session, drafts.owned_by(session, account.id)) if account else {}
    return page(
        request,
        "contribute/start.html",
        status=422 if problems else 200,
        section="contribute",
        purposes=PURPOSES,
        languages=list(AUTONYMS.items()),
        values={"type": "case_study", "language": language_of(request)} | values,
        problems=problems,
        owned=list(owned.values()),
    )


@router.post("/{lang:language}/contribute")
def begin(request: Request, session: SessionDep, account: Contributor, form: FormDep) -> Response:
    """A new draft, at its first step."""
    wanted, problems = read(form, Beginning, language_of(request))
    if wanted is None:
        return _start(request, session, typed(form, Beginning), problems)
    draft = drafts.start(session, account, wanted.type, wanted.language)
    return see_other(f"/{language_of(request)}/drafts/{draft.id}/{FORMS[draft.type][0].name}")


@router.post("/{lang:language}/contribute/change")
def change(request: Request, session: SessionDep, account: Contributor, form: FormDep) -> RedirectResponse:
    """A draft that changes a record which is the asker's, or which staff may change."""
    draft = drafts.start_from(session, account, str(form.get("record", "")))
    return see_other(f"/{language_of(request)}/drafts/{draft.id}")


@dataclass(frozen=True)
class _Listed:
    draft: DraftRow
    title: str
    complete: float
    saved_by: str


@router.get("/{lang:language}/drafts")
def my_drafts(request: Request, session: SessionDep, account: Contributor) -> HTMLResponse:
    """What one writes, alone or with others."""
    found = drafts.of_account(session, account.id)
    names = accounts.names(session, [draft.saved_by for draft in found])
    listed = [
        _Listed(draft, title(draft), drafts.completeness(draft), names.get(draft.saved_by, "–")) for draft in found
    ]
    return page(request, "contribute/drafts.html", section="drafts", drafts=listed)
