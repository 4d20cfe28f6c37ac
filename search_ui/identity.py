"""Who asks: the session cookie or the API token of a request, and what a route needs of them."""

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from kb.accounts.sessions import WHOLE, account_of_session, account_of_token
from kb.errors import Forbidden, Unauthenticated
from kb.settings import Settings
from schemas.accounts import Account, Permission
from schemas.messages import N_
from search_ui import site
from search_ui.render import language_of

_BEARER: Final = "bearer "


async def identify(request: Request) -> None:
    """Find out once per request who asks, as ``request.state.account``; nobody is None."""
    request.state.account = None
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
        request.state.account = await run_in_threadpool(account_of_session, engine, token)


def who(request: Request) -> Account | None:
    """Who asks; None also before it was found out."""
    found: Account | None = getattr(request.state, "account", None)
    return found


class Needs:
    """What a route needs of who asks: to be signed in and, where one is named, a permission. Every route that is not for
    everybody has one: ``account: Annotated[Account, Depends(Needs("review"))]``."""

    def __init__(self, permission: Permission | None = None) -> None:
        self.permission = permission

    def __call__(self, request: Request) -> Account:
        account = who(request)
        if account is None:
            raise Unauthenticated(N_("Sign in first."), to="sign-in")
        if self.permission is None or account.may(self.permission):
            return account
        if account.might(self.permission):
            raise Unauthenticated(N_("This needs your second factor."), to="second-factor")
        raise Forbidden(N_("Your account has no right to do this. Ask an administrator if you think that it should."))


SignedIn = Annotated[Account, Depends(Needs())]
Contributor = Annotated[Account, Depends(Needs("contribute"))]
Editor = Annotated[Account, Depends(Needs("review"))]
Administrator = Annotated[Account, Depends(Needs("administer"))]


def lead_to_sign_in(request: Request, error: Unauthenticated) -> Response:
    """The page where one signs in, or gives the second factor, and comes back from."""
    there = f"/{language_of(request)}/{error.members.get('to', 'sign-in')}"
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{there}?{urlencode({'next': back})}" if request.method == "GET" else there, 303)


# The cookie


def cookie_name(settings: Settings) -> str:
    """In production a name that browsers accept only with HTTPS and for this host."""
    return "__Host-session" if settings.environment == "production" else "session"


def set_cookie(response: Response, settings: Settings, token: str) -> None:
    """Have the browser keep the session's token, out of reach of scripts and of other sites."""
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=int(WHOLE.total_seconds()),
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
