"""One's own account: name and language, e-mail address, password, sessions. All of it in person, not with a token."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from kb.accounts import own, second_factor, sessions
from schemas.accounts import Email, PersonName
from schemas.language import Language
from search_ui.depends import AskerDep, EngineDep, SessionDep, SettingsDep
from search_ui.identity import InPerson, set_cookie
from search_ui.inputs import FormDep, see_other
from search_ui.render import language_of
from search_ui.secret_forms import show, take

router = APIRouter(prefix="/{lang:language}/account", include_in_schema=False)

_PROFILE = "account/account.html"
_EMAIL = "account/email.html"
_PASSWORD = "account/password.html"  # noqa: S105  a template
#: Marks in what a browser says of itself, the more particular first.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_DEVICES = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)  # fmt: skip


class Profile(BaseModel):
    """What somebody is called, and the language of their mail."""

    name: PersonName
    language: Language


class NewEmail(BaseModel):
    """Another address, and the password once more."""

    email: Email
    current: str = Field(max_length=1000)


class NewPassword(BaseModel):
    """The password until now, and the next one."""

    current: str = Field(max_length=1000)
    password: str


@router.get("")
def account(request: Request, account: InPerson, session: SessionDep) -> Response:
    """Name and language, and the way to everything else."""
    values = {"name": account.name, "language": account.language}
    on = second_factor.is_on(session, account.id)
    return show(request, _PROFILE, section="account", values=values, second_factor=on)


@router.post("")
def post_account(request: Request, account: InPerson, form: FormDep, session: SessionDep) -> Response:
    """Change name and language."""

    def do(value: Profile) -> Response:
        own.change_profile(session, account, value.name, value.language)
        return see_other(f"/{value.language}/account", done="saved")

    return take(request, form, Profile, do, _PROFILE, section="account", second_factor=account.strong)


@router.get("/email")
def email(request: Request, account: InPerson) -> Response:
    """Another address."""
    return show(request, _EMAIL, section="account")


@router.post("/email")
def post_email(
    request: Request, account: InPerson, form: FormDep, engine: EngineDep, settings: SettingsDep
) -> Response:
    """Mail a link to the new address."""

    def do(value: NewEmail) -> Response:
        own.ask_for_email(engine, settings, account, value.current, value.email)
        return see_other(f"/{language_of(request)}/mail-sent")

    return take(request, form, NewEmail, do, _EMAIL, section="account")


@router.get("/password")
def password(request: Request, account: InPerson) -> Response:
    """Another password."""
    return show(request, _PASSWORD, section="account")


@router.post("/password")
def post_password(
    request: Request, account: InPerson, form: FormDep, engine: EngineDep, settings: SettingsDep, asker: AskerDep
) -> Response:
    """Change it; every session ends, and this browser gets a new one."""

    def do(value: NewPassword) -> Response:
        token = own.change_password(engine, settings, account, value.current, value.password, asker.browser)
        response = see_other(f"/{language_of(request)}/account", done="saved")
        set_cookie(response, settings, token)
        return response

    return take(request, form, NewPassword, do, _PASSWORD, section="account")


@router.get("/sessions")
def list_sessions(request: Request, account: InPerson, session: SessionDep) -> Response:
    """Where one is signed in."""
    found = sessions.sessions_of(session, account.id)
    return show(request, "account/sessions.html", section="account", sessions=found, browser_name=browser_name)


def browser_name(user_agent: str) -> str:
    """``Firefox, Windows``; what is not known is shown as it calls itself."""
    made_by, device = (
        next((name for mark, name in marks if mark in user_agent), "") for marks in (_BROWSERS, _DEVICES)
    )
    return ", ".join(filter(None, (made_by, device))) or user_agent


@router.post("/sessions/{session_id}/end")
def end_session(request: Request, session_id: str, account: InPerson, session: SessionDep) -> Response:
    """End one of them."""
    own.end_session(session, account, session_id)
    return see_other(f"/{language_of(request)}/account/sessions", done="removed")


@router.post("/sessions/end-others")
def end_others(request: Request, account: InPerson, session: SessionDep) -> Response:
    """End all but this one."""
    own.end_other_sessions(session, account)
    return see_other(f"/{language_of(request)}/account/sessions", done="removed")
