"""Who asks: the session cookie or the API token of a request, and what a route needs of them."""

import datetime
import re
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from kb.accounts.guesses import Asker
from kb.accounts.sessions import WHOLE, account_of_session, account_of_token
from kb.errors import Forbidden, Unauthenticated
from kb.limits.service import network_of
from kb.settings import Settings
from schemas.accounts import Account, Permission
from schemas.language import LANGUAGES
from schemas.messages import N_
from search_ui import site
from search_ui.render import language_of, page

_BEARER: Final = "bearer "
#: A path of ours, in plain characters: no other host, no scheme, no backslash that a browser takes for a slash.
_OWN_PAGE: Final = re.compile(rf"/({'|'.join(LANGUAGES)})(/[\x21-\x5b\x5d-\x7e]*)?")
#: How long a browser is known after the last time that somebody signed in there.
_KNOWN: Final = datetime.timedelta(days=365)


async def identify(request: Request) -> None:
    """Find out once per request who asks, as ``request.state.account``; nobody is None."""
    request.state.account = request.state.half = None
    await site.keep_fresh(request.app)
    token = request.cookies.get(cookie_name(request.app.state.settings))
    authorization = request.headers.get("authorization", "")
    engine = request.app.state.engine
    if authorization.lower().startswith(_BEARER):
        request.state.account = await run_in_threadpool(account_of_token, engine, authorization[len(_BEARER) :].strip())
        if request.state.account is None:
            raise Unauthenticated(
                N_("This token is not known here, or it has expired. Make a new one in your account.")
            )
    elif token:
        found = await run_in_threadpool(account_of_session, engine, token)
        request.state.half = found if found and found.half else None
        request.state.account = None if request.state.half else found


def who(request: Request) -> Account | None:
    """Who asks; None also before it was found out."""
    found: Account | None = getattr(request.state, "account", None)
    return found


def half_signed_in(request: Request) -> Account | None:
    """Whose password was right, and whose second factor is still to come; to every other route they are nobody."""
    found: Account | None = getattr(request.state, "half", None)
    return found


class Needs:
    """What a route needs of who asks: to be signed in and, where one is named, a permission. Every route that is not for
    everybody has one: ``account: Annotated[Account, Depends(Needs("review"))]``. ``in_person``: an API token is not enough,
    whatever it may do."""

    def __init__(self, permission: Permission | None = None, *, in_person: bool = False) -> None:
        self.permission = permission
        self.in_person = in_person

    def __call__(self, request: Request) -> Account:
        account = who(request)
        if account is None:
            raise Unauthenticated(N_("Sign in first."), to="second-factor" if half_signed_in(request) else "sign-in")
        if self.in_person and account.scopes is not None:
            raise Forbidden(N_("This can be done in a browser only, not with a token."))
        if self.permission is None or account.may(self.permission):
            return account
        if account.might(self.permission):
            raise Unauthenticated(N_("This needs your second factor."), to="second-factor")
        raise Forbidden(N_("Your account has no right to do this. Ask an administrator if you think that it should."))


SignedIn = Annotated[Account, Depends(Needs())]
InPerson = Annotated[Account, Depends(Needs(in_person=True))]
Contributor = Annotated[Account, Depends(Needs("contribute"))]
Editor = Annotated[Account, Depends(Needs("review"))]
Administrator = Annotated[Account, Depends(Needs("administer"))]


def lead_to_sign_in(request: Request, error: Unauthenticated) -> Response:
    """The page where one signs in, or gives the second factor, and comes back from. A form is not led away: its sender signs
    in beside it and sends it again, so that nothing that was typed is lost."""
    there = f"/{language_of(request)}/{error.members.get('to', 'sign-in')}"
    if request.method != "GET":
        return page(request, "signed_out.html", status=401, there=there)
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{there}?{urlencode({'next': back})}", 303)


def next_of(request: Request, given: str | None) -> str:
    """Where somebody wanted to go before they had to sign in: a page of this site, else their account."""
    return given if given and _OWN_PAGE.fullmatch(given) else f"/{language_of(request)}/account"


def asker(request: Request) -> Asker:
    """Where the request comes from. Behind a proxy that is trusted (KB_TRUSTED_PROXIES) the address is the reader's own."""
    host = request.client.host if request.client else ""
    mark = request.cookies.get(_name("browser", request.app.state.settings), "")
    return Asker(network_of(host), request.headers.get("user-agent", ""), mark[:200])


# The cookies


def cookie_name(settings: Settings) -> str:
    """In production a name that browsers accept only with HTTPS and for this host."""
    return _name("session", settings)


def _name(name: str, settings: Settings) -> str:
    return f"__Host-{name}" if settings.environment == "production" else name


def set_cookie(response: Response, settings: Settings, token: str) -> None:
    """Have the browser keep the session's token, out of reach of scripts and of other sites."""
    _set(response, settings, "session", token, WHOLE)


def set_mark(response: Response, settings: Settings, mark: str) -> None:
    """Have the browser be known as one in which this person signs in (kb/accounts/guesses.py)."""
    _set(response, settings, "browser", mark, _KNOWN)


def _set(response: Response, settings: Settings, name: str, value: str, age: datetime.timedelta) -> None:
    response.set_cookie(
        _name(name, settings),
        value,
        max_age=int(age.total_seconds()),
        path="/",
        secure=settings.environment == "production",
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, settings: Settings) -> None:
    """Have the browser forget it."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=settings.environment == "production", httponly=True, samesite="lax"
    )
