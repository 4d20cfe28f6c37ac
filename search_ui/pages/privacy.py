"""Privacy: what is kept and why; taking one's data away; being forgotten."""

import io
import json
import zipfile
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kb.accounts import own
from kb.audit import service as audit
from kb.db import transaction, utcnow
from kb.errors import Invalid
from kb.privacy import erasing, exporting
from kb.privacy.registry import REGISTRY
from kb.privacy.retention import PERIODS
from schemas.accounts import Account
from schemas.language import Language
from schemas.messages import N_
from search_ui import i18n, site
from search_ui.depends import EngineDep, SessionDep, SettingsDep
from search_ui.identity import SignedIn
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other
from search_ui.render import environment, language_of, page

router = APIRouter(include_in_schema=False, prefix="/{lang:language}")


class Password(BaseModel):
    """Whoever asks shows that it is them: the browser may have been left open."""

    password: str = Field(max_length=1000)


@router.get("/privacy")
def privacy(request: Request) -> HTMLResponse:
    """Who keeps what about people, why, how long, and what they can do about it."""
    months = site.current(request.app).keep_messages
    return page(request, "privacy/privacy.html", periods=PERIODS, months=months, waiting=erasing.WAITING.days)


@router.get("/account/data")
def data(request: Request, session: SessionDep, account: SignedIn) -> HTMLResponse:
    """What is known about who asks, in numbers; the way to all of it, and out."""
    return _data_page(request, session, account, {})


def _data_page(request: Request, session: Session, account: Account, problems: Problems) -> HTMLResponse:
    found = exporting.everything(session, account.id)
    counts = [(_title(name, language_of(request)), len(rows)) for name, rows in found.items()]
    return page(
        request, "privacy/data.html", section="account", status=422 if problems else 200, counts=counts,
        problems=problems, due_at=erasing.due_at(session, account.id),
    )  # fmt: skip


def _title(name: str, language: Language) -> str:
    return i18n.gettext(REGISTRY[name].title or N_("Your profile as an expert"), language)


@router.post("/account/data")
def take_away(request: Request, engine: EngineDep, account: SignedIn, form: FormDep) -> Response:
    """Everything, as JSON and to read, in one archive."""
    problems = _problems(engine, account, form, language_of(request))
    with transaction(engine) as session:
        if problems:
            return _data_page(request, session, account, problems)
        audit.note(session, account.id, "account.export", account.id)
        content = _archive(exporting.everything(session, account.id), language_of(request))
    headers = {
        "Content-Disposition": f'attachment; filename="data-{utcnow():%Y-%m-%d}.zip"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type="application/zip", headers=headers)


def _problems(engine: Engine, account: Account, form: FormData, language: Language) -> Problems:
    value, problems = read(form, Password, language)
    try:
        if value:
            own.check_password(engine, account, value.password, field="password")
    except Invalid as error:
        return problem_of(error, language)
    return problems


def _archive(found: exporting.Everything, language: Language) -> bytes:
    titled = {name: (_title(name, language), rows) for name, rows in found.items()}
    html = environment(language).get_template("privacy/export.html").render(found=titled, now=utcnow())
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(found, ensure_ascii=False, indent=2, default=str))
        archive.writestr("data.html", html)
    return file.getvalue()


@router.get("/account/data/erase")
def erasure(request: Request, account: SignedIn) -> HTMLResponse:
    """What will be gone, and what stays."""
    return _erase_page(request, account, {})


def _erase_page(request: Request, _account: Account, problems: Problems) -> HTMLResponse:
    return page(
        request, "privacy/erase.html", section="account", status=422 if problems else 200, problems=problems,
        waiting=erasing.WAITING.days,
    )  # fmt: skip


@router.post("/account/data/erase")
def ask(request: Request, engine: EngineDep, settings: SettingsDep, account: SignedIn, form: FormDep) -> Any:
    """Ask to be forgotten: a mail says so, and for some days it can be undone."""
    problems = _problems(engine, account, form, language_of(request))
    try:
        if not problems:
            with transaction(engine) as session:
                erasing.ask(session, account.id, settings)
            return see_other(f"/{language_of(request)}/account/data", done="asked")
    except Invalid as error:
        problems = problem_of(error, language_of(request))
    return _erase_page(request, account, problems)


@router.post("/account/data/keep")
def keep(request: Request, session: SessionDep, account: SignedIn) -> RedirectResponse:
    """Stay after all."""
    erasing.withdraw(session, account.id)
    return see_other(f"/{language_of(request)}/account/data", done="kept")
