"""Administration: what holds for the whole site. Its switch to reading only works while it is on, too."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse

from kb.db import transaction
from kb.errors import Invalid
from kb.records import service as records
from kb.site import service as sites
from schemas.accounts import Account
from schemas.language import LANGUAGES, Translated
from schemas.messages import N_
from schemas.site import Site
from search_ui import site
from search_ui.depends import SessionDep
from search_ui.identity import Administrator
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other
from search_ui.pages.admin import record_ids
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False, prefix="/{lang:language}/admin")

#: Records on the home page.
MOST_FEATURED: Final = 6
Banner = Annotated[str, Field(max_length=2000)]


class SiteForm(BaseModel):
    """Settings of the site."""

    activation: bool = False
    keep_messages: Annotated[int, Field(ge=3, le=120)] = 24
    banner_en: Banner = ""
    banner_es: Banner = ""
    banner_fr: Banner = ""

    def banner(self) -> Translated:
        """The banner by language; a language without one has none."""
        found: Translated = {language: getattr(self, f"banner_{language}").strip() for language in LANGUAGES}
        return {language: text for language, text in found.items() if text}


class Switch(BaseModel):
    """The read-only switch."""

    state: Literal["on", "off"]


class Featured(BaseModel):
    """Records of the home page: one id or address a line, in their order."""

    records: str = Field(default="", max_length=10_000)


@router.get("/site")
def settings(request: Request, session: SessionDep, _account: Administrator) -> HTMLResponse:
    """Activation, banner, and the switch."""
    now = sites.read(session)
    values: dict[str, Any] = {f"banner_{language}": text for language, text in now.banner.items()}
    values |= {"activation": now.activation, "keep_messages": now.keep_messages}
    return _site_page(request, now, values, {})


@router.post("/site")
def change(request: Request, session: SessionDep, account: Administrator, form: FormDep) -> Any:
    """Change them."""
    value, problems = read(form, SiteForm, language_of(request))
    if value is None:
        return _site_page(request, sites.read(session), dict(form), problems)
    _change(request, account, activation=value.activation, banner=value.banner(), keep_messages=value.keep_messages)
    return see_other(request.url.path, done="saved")


@router.post("/read-only")
def read_only(request: Request, account: Administrator, form: FormDep) -> RedirectResponse:
    """Switch to reading only, or back."""
    value, _problems = read(form, Switch, language_of(request))
    if value:
        _change(request, account, always=True, read_only=value.state == "on")
    return see_other(f"/{language_of(request)}/admin/site", done="saved")


def _change(request: Request, account: Account, *, always: bool = False, **values: Any) -> None:
    """In a transaction of its own, so that the next page is already as the site is now."""
    with transaction(request.app.state.engine, always=always) as session:
        sites.change(session, account.id, **values)
    site.refresh(request.app)


def _site_page(request: Request, now: Site, values: dict[str, Any], problems: Problems) -> HTMLResponse:
    return page(
        request, "admin/site.html", section="admin", status=422 if problems else 200, values=values, problems=problems,
        now=now,
    )  # fmt: skip


@router.get("/featured")
def featured(request: Request, session: SessionDep, _account: Administrator) -> HTMLResponse:
    """Which records the home page shows."""
    return _featured_page(request, {"records": "\n".join(sites.read(session).featured)}, {})


@router.post("/featured")
def feature(request: Request, account: Administrator, form: FormDep) -> Any:
    """Show others."""
    value, problems = read(form, Featured, language_of(request))
    try:
        if value:
            wanted = record_ids(value.records)
            with transaction(request.app.state.engine, readonly=True) as session:
                _check_featured(wanted, set(records.public_editions(session, wanted)))
            _change(request, account, featured=wanted)
            return see_other(request.url.path, done="saved")
    except Invalid as error:
        problems = problem_of(error, language_of(request))
    return _featured_page(request, _texts(form), problems)


def _check_featured(wanted: list[str], public: set[str]) -> None:
    if len(wanted) > MOST_FEATURED:
        raise Invalid(N_("Choose at most %(most)s records."), field="records", most=MOST_FEATURED)
    for record_id in wanted:
        if record_id not in public:
            raise Invalid(N_("“%(id)s” is no published record."), field="records", id=record_id)


def _texts(form: FormData) -> dict[str, Any]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _featured_page(request: Request, values: dict[str, Any], problems: Problems) -> HTMLResponse:
    return page(
        request, "admin/featured.html", section="admin", status=422 if problems else 200, values=values,
        problems=problems,
    )  # fmt: skip
