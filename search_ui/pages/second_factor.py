"""The second factor: set it up with an authenticator app, have new recovery codes, switch it off."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from kb.accounts import own, second_factor
from kb.settings import Settings
from schemas.accounts import Account
from search_ui.depends import AskerDep, EngineDep, SessionDep, SettingsDep
from search_ui.identity import InPerson, next_of, set_cookie
from search_ui.inputs import FormDep, see_other
from search_ui.render import language_of
from search_ui.secret_forms import show, take

router = APIRouter(prefix="/{lang:language}/account/second-factor", include_in_schema=False)

_SET_UP = "account/second_factor.html"
_CHANGE = "account/second_factor_on.html"
_CODES = "account/recovery_codes.html"


class SetUp(BaseModel):
    """The key that the page offered, and what the app made of it."""

    key: str = Field(pattern=r"^[A-Z2-7]{32}$")
    code: str = Field(max_length=20)
    current: str = Field(max_length=1000)
    next: str = ""


class Change(BaseModel):
    """What to do with a second factor that is on."""

    do: Literal["codes", "off"]
    current: str = Field(max_length=1000)


@router.get("")
def look(request: Request, account: InPerson, session: SessionDep, settings: SettingsDep) -> Response:
    """Set it up, or change what is on."""
    if second_factor.is_on(session, account.id):
        left = second_factor.recovery_codes_left(session, account.id)
        return show(request, _CHANGE, section="account", left=left)
    values = {"next": request.query_params.get("next", "")}
    return show(request, _SET_UP, values=values, **_offer(account, settings, second_factor.new_key()))


def _offer(account: Account, settings: Settings, key: str) -> dict[str, Any]:
    shown = " ".join(key[start : start + 4] for start in range(0, len(key), 4))
    picture = second_factor.picture(key, account.email, settings.site_name)
    return {"section": "account", "key": key, "shown": shown, "picture": picture, "waiting": bool(account.waiting)}


@router.post("")
def set_up(
    request: Request, account: InPerson, form: FormDep, engine: EngineDep, settings: SettingsDep, asker: AskerDep
) -> Response:
    """Switch it on. The recovery codes are shown in the answer and never again."""

    def do(value: SetUp) -> Response:
        codes, token = own.turn_on_second_factor(
            engine, settings, account, value.current, value.key, value.code, asker.browser
        )
        response = show(request, _CODES, section="account", codes=codes, go_on=next_of(request, value.next))
        set_cookie(response, settings, token)
        return response

    key = str(form.get("key", ""))
    offered = key if len(key) == 32 and key.isalnum() else second_factor.new_key()
    return take(request, form, SetUp, do, _SET_UP, **_offer(account, settings, offered))


@router.post("/change")
def change(
    request: Request, account: InPerson, form: FormDep, engine: EngineDep, settings: SettingsDep, asker: AskerDep
) -> Response:
    """New recovery codes, or none of it any more."""
    here = f"/{language_of(request)}/account"

    def do(value: Change) -> Response:
        if value.do == "codes":
            codes = own.new_recovery_codes(engine, account, value.current)
            return show(request, _CODES, section="account", codes=codes, go_on=here)
        token = own.turn_off_second_factor(engine, settings, account, value.current, asker.browser)
        response = see_other(here, done="second-factor-off")
        set_cookie(response, settings, token)
        return response

    return take(request, form, Change, do, _CHANGE, section="account", left=None)
