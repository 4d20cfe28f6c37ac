"""An account, a forgotten password, and the links that are mailed for both. A GET of a link changes nothing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import Response

from kb.accounts import entry, links, own
from kb.errors import NotFound
from schemas.accounts import Email, PersonName
from schemas.language import Language
from search_ui.depends import AskerDep, EngineDep, SessionDep, SettingsDep
from search_ui.identity import set_mark, who
from search_ui.inputs import FormDep, see_other
from search_ui.render import language_of
from search_ui.secret_forms import show, take

router = APIRouter(include_in_schema=False)
LanguageDep = Annotated[Language, Depends(language_of)]

_PASSWORD = "account/choose_password.html"  # noqa: S105  a template
_GONE = "account/link_gone.html"


class SignUp(BaseModel):
    """Whose account it is to be."""

    name: PersonName
    email: Email


class Reset(BaseModel):
    """Whose password was forgotten."""

    email: Email


class Chosen(BaseModel):
    """A new password; what it must be is in kb/accounts/passwords.py."""

    password: str


@router.get("/{lang:language}/sign-up")
def sign_up(request: Request) -> Response:
    """Ask for an account."""
    return show(request, "account/sign_up.html", section="sign-in")


@router.post("/{lang:language}/sign-up")
def post_sign_up(
    request: Request, form: FormDep, engine: EngineDep, settings: SettingsDep, asker: AskerDep, language: LanguageDep
) -> Response:
    """Mail a link. The answer is the same whether the address has an account or not."""

    def do(value: SignUp) -> Response:
        entry.sign_up(engine, settings, value.email, value.name, language, asker)
        return see_other(f"/{language}/mail-sent")

    return take(request, form, SignUp, do, "account/sign_up.html", section="sign-in")


@router.get("/{lang:language}/reset")
def reset(request: Request) -> Response:
    """Ask for a new password."""
    return show(request, "account/reset.html", section="sign-in")


@router.post("/{lang:language}/reset")
def post_reset(
    request: Request, form: FormDep, engine: EngineDep, settings: SettingsDep, asker: AskerDep, language: LanguageDep
) -> Response:
    """Mail a link. The answer is the same whether the address has an account or not."""

    def do(value: Reset) -> Response:
        entry.ask_for_reset(engine, settings, value.email, asker)
        return see_other(f"/{language}/mail-sent")

    return take(request, form, Reset, do, "account/reset.html", section="sign-in")


@router.get("/{lang:language}/mail-sent")
def mail_sent(request: Request) -> Response:
    """What to do next: look in the mailbox."""
    return show(request, "account/mail_sent.html", section="sign-in")


@router.get("/{lang:language}/password/{code}")
def choose_password(request: Request, code: str, session: SessionDep) -> Response:
    """Where the links for signing up, for a forgotten password and of an invitation lead."""
    try:
        links.look(session, code, *links.FOR_PASSWORD)
    except NotFound:
        return show(request, _GONE, status=404)
    return show(request, _PASSWORD, section="sign-in")


@router.post("/{lang:language}/password/{code}")
def post_choose_password(
    request: Request, code: str, form: FormDep, engine: EngineDep, settings: SettingsDep, language: LanguageDep
) -> Response:
    """Set the password; the first time, that confirms the address. No session is opened: sign in with it."""

    def do(value: Chosen) -> Response:
        state, mark = entry.choose_password(engine, settings, code, value.password)
        done = "password" if state == "active" else "waiting"
        response = see_other(f"/{language}/sign-in", done=done)
        set_mark(response, settings, mark)
        return response

    try:
        return take(request, form, Chosen, do, _PASSWORD, section="sign-in")
    except NotFound:
        return show(request, _GONE, status=404)


@router.get("/{lang:language}/email/{code}")
def confirm_email(request: Request, code: str, session: SessionDep) -> Response:
    """Where the link leads that was mailed to a new address."""
    try:
        return show(request, "account/confirm_email.html", email=own.new_email(session, code))
    except NotFound:
        return show(request, _GONE, status=404)


@router.post("/{lang:language}/email/{code}")
def post_confirm_email(
    request: Request, code: str, engine: EngineDep, settings: SettingsDep, language: LanguageDep
) -> Response:
    """Make it the account's address."""
    try:
        mark = own.confirm_email(engine, settings, code)
    except NotFound:
        return show(request, _GONE, status=404)
    response = see_other(f"/{language}/account" if who(request) else f"/{language}/sign-in", done="email")
    set_mark(response, settings, mark)
    return response
