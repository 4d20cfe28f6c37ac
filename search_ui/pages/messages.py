"""Messages: the list, a conversation, writing, one's settings; and the page by which a contact without an account answers."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from kb.errors import Forbidden, Invalid, KnowledgeBaseError, TooMany
from kb.messages import people, reading, receivers, reports, service
from kb.messages.notices import Here
from kb.records import service as records
from schemas.accounts import Account
from schemas.correspondence import REASONS, Answer, Complaint, NewMessage
from search_ui.addresses import origin_of
from search_ui.depends import SessionDep
from search_ui.i18n import N_
from search_ui.identity import Needs
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other, typed
from search_ui.paging import number, paged
from search_ui.related import readable
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

Writer = Annotated[Account, Depends(Needs("message"))]

_PAGE: Final = 20
#: What keeps people from writing, said where they write.
_REFUSALS: Final = (Forbidden, Invalid, TooMany)
#: A mailed link opens this page: no cache keeps it, and its address is told to no other site.
_PRIVATE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}

REASON_TEXTS: Final = {
    "unwanted": N_("Advertising, or nothing to do with the record"),
    "insulting": N_("Insulting or discriminating"),
    "threatening": N_("Threatening or harassing"),
    "fraud": N_("An attempt to deceive"),
    "other": N_("Something else"),
}


def here(request: Request) -> Here:
    """The site as mails name it."""
    return Here(origin_of(request), request.app.state.settings.site_name)


def _answer(
    request: Request, template: str, status: int = 200, *, form: FormData | None = None, model: type[BaseModel] = Answer,
    problems: Problems | None = None, headers: dict[str, str] | None = None, **values: Any,
) -> Response:  # fmt: skip
    """The page with what was typed, and what is wrong with it."""
    return page(
        request, f"messages/{template}.html", status=status, headers=headers, section="messages",
        values=typed(form, model) if form else {}, problems=problems or {}, **values,
    )  # fmt: skip


def _refused(request: Request, error: KnowledgeBaseError) -> dict[str, Any]:
    """Status, problems and headers of a page that says why nothing was sent."""
    headers = {"Retry-After": str(error.members["retry_after"])} if isinstance(error, TooMany) else {}
    return {"status": error.status, "problems": problem_of(error, language_of(request)), "headers": headers}


# One's own


@router.get("/{lang:language}/messages")
def inbox(request: Request, session: SessionDep, account: Writer, archived: bool = False) -> Response:
    """The conversations, the last written in first."""
    current = number(request.query_params.get("page", ""))
    lines, total = reading.lines(session, account, archived=archived, offset=(current - 1) * _PAGE, limit=_PAGE)
    stored = records.load_public(session, [line.thread.record_id for line in lines])

    pages = paged(current, total, _PAGE, request.url.path, {"archived": "true"} if archived else {})
    return _answer(
        request, "list", lines=lines, stored=stored, archived=archived, pages=pages,
        may_write=people.wishes(session, account.id).may_write,
        reported=reports.waiting(session) if account.may("moderate") else None,
    )  # fmt: skip


@router.get("/{lang:language}/messages/new")
def new(request: Request, session: SessionDep, account: Writer, record: str = "") -> Response:
    """The form to write about a record."""
    return _new(request, session, record)


def _new(request: Request, session: Session, record_id: str, **values: Any) -> Response:
    stored = records.get_public(session, record_id)
    receiver = receivers.of(session, stored.record)
    return _answer(
        request, "new", record=readable(stored).record, reach=receiver.reach, model=NewMessage,
        to=receiver.name if receiver.reach == "contact" else "", **values,
    )  # fmt: skip


@router.post("/{lang:language}/messages/new")
def send_new(request: Request, session: SessionDep, account: Writer, form: FormDep) -> Response:
    """Send the first message."""
    record_id = str(form.get("record", ""))
    words, problems = read(form, NewMessage, language_of(request))
    if words is None:
        return _new(request, session, record_id, status=422, form=form, problems=problems)
    try:
        thread = service.start(session, here(request), account, record_id, words)
    except _REFUSALS as error:
        return _new(request, session, record_id, form=form, **_refused(request, error))
    return see_other(f"/{language_of(request)}/messages/{thread.id}", done="sent")


@router.get("/{lang:language}/messages/settings")
def settings(request: Request, session: SessionDep, account: Writer) -> Response:
    """Mail or not, and whom one has blocked."""
    return _answer(request, "settings", wishes=people.wishes(session, account.id))


@router.post("/{lang:language}/messages/settings")
def change_settings(request: Request, session: SessionDep, account: Writer, form: FormDep) -> Response:
    """Switch mail on or off."""
    people.set_by_mail(session, account.id, bool(form.get("by_mail")))
    return see_other(f"/{language_of(request)}/messages/settings", done="saved")


@router.post("/{lang:language}/messages/settings/unblock")
def unblock(request: Request, session: SessionDep, account: Writer, form: FormDep) -> Response:
    """Hear from somebody again."""
    people.unblock(session, account, str(form.get("person", "")))
    return see_other(f"/{language_of(request)}/messages/settings", done="saved")


# By a link from a mail, without an account


@router.get("/{lang:language}/messages/answer/{token}")
def guest(request: Request, session: SessionDep, token: str) -> Response:
    """The conversation that the contact of a record was mailed about."""
    return _guest(request, session, token)


def _guest(request: Request, session: Session, token: str, **values: Any) -> Response:
    thread, row = service.by_link(session, token)
    headers = _PRIVATE | values.pop("headers", {})
    return _answer(
        request, "guest", thread=thread, messages=reading.messages_for_guest(session, thread), headers=headers,
        stored=records.load_public(session, [thread.record_id]).get(thread.record_id),
        refused=receivers.refuses(session, row.email), **values,
    )  # fmt: skip


@router.post("/{lang:language}/messages/answer/{token}")
def guest_answers(request: Request, session: SessionDep, token: str, form: FormDep) -> Response:
    """Send the contact's answer."""
    words, problems = read(form, Answer, language_of(request))
    if words is None:
        return _guest(request, session, token, status=422, form=form, problems=problems)
    try:
        service.answer_as_guest(session, here(request), token, words.text)
    except _REFUSALS as error:
        return _guest(request, session, token, form=form, **_refused(request, error))
    return see_other(f"/{language_of(request)}/messages/answer/{token}", done="sent")


@router.post("/{lang:language}/messages/answer/{token}/refuse")
def guest_refuses(request: Request, session: SessionDep, token: str) -> Response:
    """No more messages to this contact."""
    people.refuse_as_guest(session, token)
    return see_other(f"/{language_of(request)}/messages/answer/{token}", done="saved")


@router.get("/{lang:language}/messages/answer/{token}/report")
def guest_report(request: Request, session: SessionDep, token: str, message: int) -> Response:
    """The form by which a contact reports a message."""
    service.by_link(session, token)
    return _report(request, f"messages/answer/{token}", message, headers=_PRIVATE)


@router.post("/{lang:language}/messages/answer/{token}/report")
def guest_reports(request: Request, session: SessionDep, token: str, form: FormDep) -> Response:
    """Report a message to the moderators."""
    back = f"messages/answer/{token}"
    words, problems = read(form, Complaint, language_of(request))
    if words is None:
        return _report(request, back, _number(form), headers=_PRIVATE, status=422, form=form, problems=problems)
    reports.report_as_guest(session, token, words)
    return see_other(f"/{language_of(request)}/{back}", done="reported")


def _report(request: Request, back: str, message: int, **values: Any) -> Response:
    reasons = [(reason, REASON_TEXTS[reason]) for reason in REASONS]
    return _answer(request, "report", back=back, message=message, reasons=reasons, model=Complaint, **values)


def _number(form: FormData) -> int:
    text = str(form.get("message", ""))
    return int(text) if text.isdecimal() and len(text) < 18 else 0


# One conversation


@router.get("/{lang:language}/messages/{thread_id:id}")
def conversation(request: Request, session: SessionDep, account: Writer, thread_id: str) -> Response:
    """What was written, and a form to answer."""
    return _conversation(request, session, account, thread_id)


def _conversation(request: Request, session: Session, account: Account, thread_id: str, **values: Any) -> Response:
    thread, member = reading.mine(session, account, thread_id)
    wishes = people.wishes(session, account.id)
    return _answer(
        request, "thread", thread=thread, member=member,
        messages=reading.messages(session, account, thread, member.side),
        stored=records.load_public(session, [thread.record_id]).get(thread.record_id),
        may_write=wishes.may_write, blocked={who for who, _ in wishes.blocked}, **values,
    )  # fmt: skip


@router.post("/{lang:language}/messages/{thread_id:id}")
def answer(request: Request, session: SessionDep, account: Writer, thread_id: str, form: FormDep) -> Response:
    """Send an answer."""
    words, problems = read(form, Answer, language_of(request))
    if words is None:
        return _conversation(request, session, account, thread_id, status=422, form=form, problems=problems)
    try:
        service.answer(session, here(request), account, thread_id, words.text)
    except _REFUSALS as error:
        return _conversation(request, session, account, thread_id, form=form, **_refused(request, error))
    return see_other(f"/{language_of(request)}/messages/{thread_id}", done="sent")


@router.post("/{lang:language}/messages/{thread_id:id}/read")
def mark_read(request: Request, session: SessionDep, account: Writer, thread_id: str) -> Response:
    """Everything in it is read."""
    reading.mark_read(session, account, thread_id)
    return see_other(f"/{language_of(request)}/messages/{thread_id}")


@router.post("/{lang:language}/messages/{thread_id:id}/archive")
def archive(request: Request, session: SessionDep, account: Writer, thread_id: str, form: FormDep) -> Response:
    """Put it away for oneself, or back."""
    reading.archive(session, account, thread_id, archived=form.get("archived") == "yes")
    return see_other(f"/{language_of(request)}/messages", done="saved")


@router.post("/{lang:language}/messages/{thread_id:id}/block")
def block(request: Request, session: SessionDep, account: Writer, thread_id: str, form: FormDep) -> Response:
    """Hear no more from who wrote a message."""
    people.block(session, account, thread_id, _number(form))
    return see_other(f"/{language_of(request)}/messages/settings", done="blocked")


@router.get("/{lang:language}/messages/{thread_id:id}/report")
def report(request: Request, session: SessionDep, account: Writer, thread_id: str, message: int) -> Response:
    """The form to report a message."""
    people.authored(session, account, thread_id, message)
    return _report(request, f"messages/{thread_id}", message)


@router.post("/{lang:language}/messages/{thread_id:id}/report")
def send_report(request: Request, session: SessionDep, account: Writer, thread_id: str, form: FormDep) -> Response:
    """Report it to the moderators."""
    back = f"messages/{thread_id}"
    words, problems = read(form, Complaint, language_of(request))
    if words is None:
        return _report(request, back, _number(form), status=422, form=form, problems=problems)
    reports.report(session, account, thread_id, words)
    return see_other(f"/{language_of(request)}/{back}", done="reported")
