"""Administration: people and the organisations that they contribute for."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse

from kb.accounts import administration, sessions
from kb.accounts import service as accounts
from kb.accounts.tables import AccountRow
from kb.errors import Invalid, KnowledgeBaseError
from kb.privacy import erasing
from kb.records import service as records
from schemas.accounts import Role
from schemas.language import Language
from schemas.messages import N_
from search_ui.depends import SessionDep, SettingsDep
from search_ui.identity import Administrator
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other
from search_ui.paging import number, paged
from search_ui.render import language_of, page
from search_ui.wording import ROLES, STATES

router = APIRouter(include_in_schema=False, prefix="/{lang:language}/admin")

Given = Literal["expert", "contributor", "editor", "translator", "administrator"]


class Roles(BaseModel):
    """The roles that somebody is to have. ``organisations``: one id or address of a record a line."""

    roles: list[Given] = []
    organisations: str = Field(default="", max_length=10_000)


class Invitation(Roles):
    """Somebody who is to get an account."""

    email: Annotated[
        str, StringConstraints(strip_whitespace=True, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=320)
    ]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    language: Language


class Change(BaseModel):
    """What an account is to become."""

    state: Literal["active", "closed"]


class Confirmation(BaseModel):
    """The address of who is to be forgotten, typed in."""

    email: str


@router.get("")
def overview(request: Request, session: SessionDep, _account: Administrator) -> HTMLResponse:
    """What can be administered, and who waits."""
    _, waiting = administration.search(session, state="waiting")
    return page(request, "admin/overview.html", section="admin", waiting=waiting)


# People


@router.get("/people")
def people(
    request: Request, session: SessionDep, _account: Administrator, q: str = "", state: str = "", role: str = ""
) -> HTMLResponse:
    """Everybody with an account."""
    current, asked = number(request.query_params.get("page", "")), {"q": q, "state": state, "role": role}
    found, count = administration.search(session, q, state, role, current)
    kept = {name: text for name, text in asked.items() if text}
    return page(
        request, "admin/people.html", section="admin", asked=asked, people=found,
        count=count, given=accounts.roles_of_all(session, [row.id for row in found]), ROLES=ROLES, STATES=STATES,
        pages=paged(current, count, administration.PAGE, request.url.path, kept),
    )  # fmt: skip


@router.get("/people/invite")
def invitation(request: Request, _account: Administrator) -> HTMLResponse:
    """A form for somebody who is to get an account."""
    return _invite_page(request, {"language": language_of(request)}, {})


@router.post("/people/invite")
def invite(request: Request, session: SessionDep, settings: SettingsDep, account: Administrator, form: FormDep) -> Any:
    """Make the account and mail the link."""
    value, problems = read(form, Invitation, language_of(request))
    if value:
        try:
            roles = _roles(session, value)
            row, _ = accounts.invite(session, settings, account.id, value.email, value.name, value.language, roles)
            return see_other(_person_path(request, row.id), done="sent")
        except KnowledgeBaseError as error:
            problems = problem_of(error, language_of(request))
    return _invite_page(request, _typed(form), problems)


def _invite_page(request: Request, values: dict[str, Any], problems: Problems) -> HTMLResponse:
    return page(
        request, "admin/invite.html", section="admin", status=422 if problems else 200, values=values, problems=problems,
        ROLES=ROLES,
    )  # fmt: skip


def _typed(form: FormData) -> dict[str, Any]:
    return {name: form.getlist(name) if name == "roles" else form[name] for name in form}


@router.get("/people/{account_id}")
def person(request: Request, session: SessionDep, _account: Administrator, account_id: str) -> HTMLResponse:
    """One account, and what can be done about it."""
    return _person_page(request, session, account_id)


def _person_page(
    request: Request,
    session: Session,
    account_id: str,
    problems: Problems | None = None,
    values: dict[str, Any] | None = None,
) -> HTMLResponse:
    row = accounts.by_id(session, account_id)
    given = accounts.roles_of(session, row.id)
    organisations = [organisation for _, organisation in given if organisation]
    return page(
        request, "admin/person.html", section="admin", status=422 if problems else 200, person=row, given=given,
        problems=problems or {}, ROLES=ROLES, STATES=STATES, sessions=sessions.sessions_of(session, row.id),
        organisations=records.load(session, organisations), due_at=erasing.due_at(session, row.id),
        values=values or {"roles": [role for role, _ in given], "organisations": "\n".join(organisations)},
    )  # fmt: skip


@router.post("/people/{account_id}/roles")
def roles(request: Request, session: SessionDep, account: Administrator, form: FormDep, account_id: str) -> Any:
    """Give and take roles; the person is signed out everywhere."""
    value, problems = read(form, Roles, language_of(request))
    try:
        if value:
            administration.set_roles(session, account.id, account_id, _roles(session, value))
            return _done(request, account_id)
    except Invalid as error:
        problems = problem_of(error, language_of(request))
    return _person_page(request, session, account_id, problems, _typed(form))


def _roles(session: Session, value: Roles) -> list[tuple[Role, str]]:
    """(role, organisation) as the form says. Raises Invalid for what is no organisation, and for a contributor of none."""
    wanted = record_ids(value.organisations)
    found = records.load(session, wanted)
    for record_id in wanted:
        if record_id not in found or found[record_id].record.type != "organisation":
            raise Invalid(N_("“%(id)s” is no organisation here."), field="organisations", id=record_id)
    if ("contributor" in value.roles) != bool(wanted):
        raise Invalid(
            N_("A contributor needs an organisation, and an organisation a contributor."), field="organisations"
        )
    plain: list[tuple[Role, str]] = [(role, "") for role in value.roles if role != "contributor"]
    return plain + [("contributor", record_id) for record_id in wanted]


def record_ids(text: str) -> list[str]:
    """The ids in a text with one id, or address of a record's page, a line."""
    lines = (line.strip().split("?")[0].rstrip("/").rsplit("/", 1)[-1] for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line))


@router.post("/people/{account_id}/state")
def state(
    request: Request, session: SessionDep, settings: SettingsDep, account: Administrator, form: FormDep, account_id: str
) -> Any:
    """Activate, close, open again."""
    value, problems = read(form, Change, language_of(request))
    try:
        if value:
            administration.set_state(session, settings, account.id, account_id, value.state)
            return _done(request, account_id)
    except Invalid as error:
        problems = problem_of(error, language_of(request))
    return _person_page(request, session, account_id, problems)


@router.post("/people/{account_id}/sessions")
def end_sessions(request: Request, session: SessionDep, account: Administrator, account_id: str) -> RedirectResponse:
    """Sign somebody out everywhere."""
    administration.end_sessions(session, account.id, account_id)
    return _done(request, account_id)


@router.post("/people/{account_id}/reset")
def reset(
    request: Request, session: SessionDep, settings: SettingsDep, account: Administrator, account_id: str
) -> RedirectResponse:
    """Mail somebody a link for a new password."""
    administration.send_reset(session, settings, account.id, account_id)
    return _done(request, account_id, "sent")


@router.get("/people/{account_id}/erase")
def erasure(request: Request, session: SessionDep, _account: Administrator, account_id: str) -> HTMLResponse:
    """What will be gone, before it is."""
    return page(request, "admin/erase.html", section="admin", person=accounts.by_id(session, account_id), problems={})


@router.post("/people/{account_id}/erase")
def erase(request: Request, session: SessionDep, account: Administrator, form: FormDep, account_id: str) -> Any:
    """Forget somebody who asked for it."""
    language, row = language_of(request), accounts.by_id(session, account_id)
    value, problems = read(form, Confirmation, language)
    try:
        if value:
            _check_address(value, row)
            erasing.erase(session, account.id, account_id)
            return see_other(f"/{language}/admin/people", done="erased")
    except Invalid as error:
        problems = problem_of(error, language)
    return page(request, "admin/erase.html", section="admin", status=422, person=row, problems=problems)


def _check_address(value: Confirmation, row: AccountRow) -> None:
    if accounts.normal(value.email) != row.email:
        raise Invalid(N_("This is not their address. Type it as it is shown."), field="email")


def _done(request: Request, account_id: str, done: str = "saved") -> RedirectResponse:
    return see_other(_person_path(request, account_id), done=done)


def _person_path(request: Request, account_id: str) -> str:
    return f"/{language_of(request)}/admin/people/{account_id}"


# Organisations


@router.get("/organisations")
def organisations(request: Request, session: SessionDep, _account: Administrator) -> HTMLResponse:
    """Every organisation, and who contributes for it."""
    found = list(records.iterate(session, "organisation", public=False))
    return page(
        request, "admin/organisations.html", section="admin", organisations=found,
        contributors=administration.contributors(session),
    )  # fmt: skip
