"""Who writes a draft: invite, take back, remove, leave; and the page that an invitation's link opens."""

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kb.accounts import service as accounts
from kb.editorial import authors, drafts
from kb.editorial.tables import DraftRow
from kb.errors import Invalid
from schemas.accounts import Account
from schemas.forms import FORMS
from search_ui.depends import SessionDep, SettingsDep
from search_ui.drafting.pages import title
from search_ui.identity import Contributor, who
from search_ui.inputs import FormDep, Problems, problem_of, see_other
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)


def _here(request: Request, draft_id: str) -> str:
    return f"/{language_of(request)}/drafts/{draft_id}/authors"


@router.get("/{lang:language}/drafts/{draft_id}/authors")
def show(request: Request, session: SessionDep, account: Contributor, draft_id: str) -> HTMLResponse:
    """Who writes it and who was asked to."""
    return _page(request, session, account, drafts.get(session, account, draft_id), "", {})


def _page(
    request: Request, session: Session, account: Account, draft: DraftRow, email: str, problems: Problems
) -> HTMLResponse:
    others = authors.of_draft(session, draft)
    owns = draft.owner_id == account.id
    return page(
        request,
        "drafts/authors.html",
        status=422 if problems else 200,
        section="drafts",
        draft=draft,
        title=title(draft),
        complete=drafts.completeness(draft),
        steps=FORMS[draft.type],
        names=accounts.names(session, [draft.owner_id, *others]),
        others=others,
        owns=owns,
        invitations=authors.invitations(session, draft) if owns else [],
        values={"email": email},
        problems=problems,
    )


@router.post("/{lang:language}/drafts/{draft_id}/authors")
def invite(
    request: Request, session: SessionDep, settings: SettingsDep, account: Contributor, draft_id: str, form: FormDep
) -> Response:
    """Ask somebody by mail."""
    draft, email = drafts.get(session, account, draft_id), str(form.get("email", "")).strip()
    here = settings.resolved_public_url
    try:
        authors.invite(session, account, draft_id, email, title(draft), here, language_of(request))
    except Invalid as error:
        return _page(request, session, account, draft, email, problem_of(error, language_of(request)))
    return see_other(_here(request, draft_id), "invited")


@router.post("/{lang:language}/drafts/{draft_id}/authors/remove")
def remove(
    request: Request, session: SessionDep, account: Contributor, draft_id: str, form: FormDep
) -> RedirectResponse:
    """Take an invitation back, remove somebody, or leave."""
    if invitation := form.get("invitation"):
        authors.take_back(session, account, draft_id, str(invitation))
        return see_other(_here(request, draft_id), "removed")
    author = str(form.get("author", ""))
    authors.remove(session, account, draft_id, author)
    if author == account.id:
        return see_other(f"/{language_of(request)}/drafts", "left")
    return see_other(_here(request, draft_id), "removed")


@router.get("/{lang:language}/invitations/{token}")
def invitation(request: Request, session: SessionDep, token: str) -> HTMLResponse:
    """What one is asked to, for people with and without an account."""
    row, draft = authors.invited_to(session, token)
    names = accounts.names(session, [row.invited_by])
    return page(
        request, "drafts/invitation.html", section="drafts", name=names.get(row.invited_by, "–"), title=title(draft),
        type=draft.type, here=request.url.path, signed_in=who(request) is not None,
        headers={"Referrer-Policy": "no-referrer"},
    )  # fmt: skip


@router.post("/{lang:language}/invitations/{token}")
def accept(request: Request, session: SessionDep, account: Contributor, token: str) -> RedirectResponse:
    """Take it up."""
    draft = authors.accept(session, account, token)
    return see_other(f"/{language_of(request)}/drafts/{draft.id}/{FORMS[draft.type][0].name}", "joined")
