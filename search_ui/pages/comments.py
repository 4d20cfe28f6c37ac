"""Comments on a draft: for its authors on a page of their own, for editors beside the fields of the review."""

from typing import Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from kb.accounts import service as accounts
from kb.editorial import comments, drafts
from kb.editorial.tables import DraftRow
from kb.errors import KnowledgeBaseError
from schemas.accounts import Account
from schemas.base import Model
from schemas.editorial import CLOSED
from search_ui import reviewing
from search_ui.depends import SessionDep
from search_ui.drafting.pages import entry
from search_ui.identity import Contributor
from search_ui.inputs import FormDep, Problems, problem_of, read, typed
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_PATH: Final = "/{lang:language}/comments/{draft_id}"


class Said(Model):
    """A comment on a field, an answer to one, or that it is settled. ``back`` is the page that it was written on."""

    field: str = ""
    text: str = ""
    request: bool = False
    do: Literal["add", "answer", "settle"]
    comment: int | None = None
    back: Literal["desk", ""] = ""


@router.get(_PATH)
def comments_page(request: Request, session: SessionDep, account: Contributor, draft_id: str) -> Response:
    """All that is said about a draft, field by field."""
    return _page(request, session, account, drafts.get(session, account, draft_id))


@router.post(_PATH)
def say(request: Request, session: SessionDep, account: Contributor, draft_id: str, form: FormDep) -> Response:
    """Say something about a field, answer, or settle."""
    language, draft = language_of(request), drafts.get(session, account, draft_id)
    asked, problems = read(form, Said, language)
    status, from_desk = 422, form.get("back") == "desk" and account.may("review")
    if asked:
        try:
            _do(session, account, draft, asked)
        except KnowledgeBaseError as error:
            problems, status = problem_of(error, language), error.status
        else:
            path = f"/{language}/desk/drafts/{draft.id}" if from_desk else request.url.path
            field = asked.field.partition(".")[0] if from_desk else asked.field
            return RedirectResponse(f"{path}?done=saved#field-{quote(field) or 'whole'}", 303)
    values = typed(form, Said)
    # The field of the page where it was typed: the thread that is answered, or the field that is spoken about.
    place = f"answer-{asked.comment}" if asked and asked.do == "answer" else f"comment-{values.get('field', '')}"
    problems = {place if name == "text" else "": text for name, text in problems.items()}
    shown = {place: values.get("text", "")}
    if from_desk:
        return reviewing.draft_page(request, session, account, draft, values=shown, problems=problems, status=status)
    return _page(request, session, account, draft, shown, problems, status)


def _do(session: Session, account: Account, draft: DraftRow, asked: Said) -> None:
    match asked.do:
        case "add":
            comments.add(session, account, draft, asked.field, asked.text, request=asked.request)
        case "answer":
            comments.answer(session, account, draft, asked.comment or 0, asked.text)
        case "settle":
            comments.settle(session, account, draft, asked.comment or 0)


def _page(
    request: Request,
    session: Session,
    account: Account,
    draft: DraftRow,
    values: dict[str, Any] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    language = language_of(request)
    threads = comments.of(session, draft.id)
    everyone = [thread for found in threads.values() for thread in found]
    return page(
        request,
        "desk/comments.html",
        status=status,
        section="drafts",
        draft=draft,
        title=drafts.title_of(draft.data, language),
        stages=reviewing.STAGES,
        threads=threads,
        places={field: entry(draft, field, language).href for field in threads},
        waiting=sum(thread.waits for thread in everyone),
        names=accounts.names(session, reviewing.speakers(everyone)),
        is_closed=draft.stage in CLOSED,
        can_write=drafts.can_write(session, account, draft),
        values=values or {},
        problems=problems or {},
    )
