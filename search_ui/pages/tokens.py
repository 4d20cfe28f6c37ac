"""Tokens for programs: made, shown once, listed, revoked; and what a program can ask about itself."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from kb.accounts import tokens
from kb.limits import service as limits
from schemas.accounts import Account, Permission, PersonName, Role
from schemas.base import Model
from schemas.language import Language
from search_ui.depends import EngineDep, SessionDep
from search_ui.i18n import N_
from search_ui.identity import InPerson, SignedIn
from search_ui.inputs import FormDep, see_other
from search_ui.openapi import problems
from search_ui.render import language_of
from search_ui.secret_forms import show, take

router = APIRouter()

_TOKENS: Final = "account/tokens.html"
#: What a token may be allowed to do, in words.
SCOPES: Final[dict[Permission, str]] = {
    "contribute": N_("Write cases and send them in"),
    "profile": N_("Keep your expert profile"),
    "message": N_("Write to people"),
    "import": N_("Bring in files of records, as drafts"),
    "translate": N_("Translate published records"),
    "review": N_("See the editorial desk, comment, ask for changes"),
    "publish": N_("Publish and withdraw records"),
    "moderate": N_("Read what was reported, and block"),
    "administer": N_("Administer people and settings"),
    "audit": N_("Search the audit log"),
}


class Asked(BaseModel):
    """A token to be made."""

    name: Annotated[PersonName, StringConstraints(max_length=100)]
    scopes: list[Permission] = []
    days: Literal["30", "90", "365"]


class Me(Model):
    """Who a token or session stands for, and what it may do."""

    id: str
    email: str
    name: str
    language: Language
    roles: list[Role]
    #: What it may do here and now: the account's permissions within the token's scopes.
    permissions: list[Permission]
    organisations: list[str]


@router.get(
    "/api/v1/me", tags=["account"], responses=problems(401, 403, 429), openapi_extra={"security": [{"token": []}]}
)
def me(account: SignedIn, engine: EngineDep) -> Me:
    """Who is asking: the owner of the API token, and what the token may do."""
    limits.check(engine, "api", account.session_id)
    return Me(
        id=account.id,
        email=account.email,
        name=account.name,
        language=account.language,
        roles=sorted(account.roles),
        permissions=list(account.permissions),
        organisations=sorted(account.organisations),
    )


def _values(session: SessionDep, account: Account) -> dict[str, Any]:
    offered = [(permission, SCOPES[permission]) for permission in account.permissions]
    return {
        "section": "account",
        "tokens": tokens.of_account(session, account.id),
        "offered": offered,
        "SCOPES": SCOPES,
    }


@router.get("/{lang:language}/account/tokens", include_in_schema=False)
def list_tokens(request: Request, account: InPerson, session: SessionDep) -> Response:
    """One's tokens, and a form for another one."""
    return show(request, _TOKENS, made="", values={"days": "90"}, **_values(session, account))


@router.post("/{lang:language}/account/tokens", include_in_schema=False)
def make_token(request: Request, account: InPerson, form: FormDep, session: SessionDep) -> Response:
    """Make one. It is shown in the answer and never again."""

    def do(value: Asked) -> Response:
        made = tokens.make(session, account, value.name, value.scopes, int(value.days))
        session.flush()
        return show(request, _TOKENS, made=made, values={"days": "90"}, **_values(session, account))

    return take(request, form, Asked, do, _TOKENS, made="", **_values(session, account))


@router.post("/{lang:language}/account/tokens/{token_id}/revoke", include_in_schema=False)
def revoke_token(request: Request, token_id: str, account: InPerson, session: SessionDep) -> Response:
    """End one of them."""
    tokens.revoke(session, account, token_id)
    return see_other(f"/{language_of(request)}/account/tokens", done="removed")
