"""Sign in, give the second factor, sign out."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from kb.accounts import entry, sessions
from kb.settings import Settings
from schemas.accounts import Email
from search_ui.depends import AlwaysSessionDep, AskerDep, EngineDep, SettingsDep
from search_ui.identity import cookie_name, drop_cookie, half_signed_in, next_of, set_cookie, set_mark, who
from search_ui.inputs import FormDep, see_other
from search_ui.render import language_of
from search_ui.secret_forms import show, take

router = APIRouter(include_in_schema=False)

_SIGN_IN = "account/sign_in.html"
_STEP = "account/second_step.html"


class SignIn(BaseModel):
    """Address and password, and where one wanted to go."""

    email: Email
    password: str = Field(max_length=1000)
    next: str = ""


class Step(BaseModel):
    """A code of the app, or a recovery code."""

    code: str = Field(max_length=50)
    next: str = ""


@router.get("/{lang:language}/sign-in")
def sign_in(request: Request) -> Response:
    """Address and password. Who is signed in goes on to where they wanted to go."""
    wanted = request.query_params.get("next", "")
    if who(request):
        return RedirectResponse(next_of(request, wanted), 303)
    return show(request, _SIGN_IN, section="sign-in", values={"next": wanted})


@router.post("/{lang:language}/sign-in")
def post_sign_in(
    request: Request, form: FormDep, engine: EngineDep, settings: SettingsDep, asker: AskerDep
) -> Response:
    """Open a session with a new id."""

    def do(value: SignIn) -> Response:
        old = request.cookies.get(cookie_name(settings), "")
        entered = entry.sign_in(engine, settings, value.email, value.password, asker, old)
        return _go_on(request, settings, entered, value.next)

    return take(request, form, SignIn, do, _SIGN_IN, section="sign-in")


def _go_on(request: Request, settings: Settings, entered: entry.Entered, wanted: str) -> Response:
    if entered.half:
        response: Response = see_other(f"/{language_of(request)}/second-factor", next=wanted)
    else:
        response = RedirectResponse(next_of(request, wanted), 303)
    set_cookie(response, settings, entered.token)
    if entered.mark:
        set_mark(response, settings, entered.mark)
    return response


@router.get("/{lang:language}/second-factor")
def second_step(request: Request) -> Response:
    """The code of the app. Whose roles wait for a second factor that they have not set up are led there."""
    wanted, account = request.query_params.get("next", ""), who(request)
    if half_signed_in(request):
        return show(request, _STEP, values={"next": wanted})
    if account is None:
        return see_other(f"/{language_of(request)}/sign-in", next=wanted)
    if account.strong:
        return RedirectResponse(next_of(request, wanted), 303)
    return see_other(f"/{language_of(request)}/account/second-factor", next=wanted)


@router.post("/{lang:language}/second-factor")
def post_second_step(
    request: Request, form: FormDep, engine: EngineDep, settings: SettingsDep, asker: AskerDep
) -> Response:
    """Make the session a whole one, with a new id."""
    half = half_signed_in(request)
    if half is None:
        return see_other(f"/{language_of(request)}/sign-in")

    def do(value: Step) -> Response:
        return _go_on(request, settings, entry.second_step(engine, settings, half, value.code, asker), value.next)

    return take(request, form, Step, do, _STEP)


@router.post("/{lang:language}/sign-out")
def sign_out(request: Request, session: AlwaysSessionDep, settings: SettingsDep) -> Response:
    """End this browser's session."""
    sessions.end_this(session, request.cookies.get(cookie_name(settings), ""))
    response = see_other(f"/{language_of(request)}/", done="signed-out")
    drop_cookie(response, settings)
    return response
