"""What experts agree to, and the page behind the link that is mailed to them: both need no account."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from kb.errors import Invalid
from kb.profiles import consent, upkeep
from search_ui.depends import SessionDep
from search_ui.inputs import FormDep, Problems, problem_of
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_CONSENT = "/{lang:language}/experts/consent"
_CONFIRM = "/{lang:language}/experts/confirm"


@router.get(_CONSENT)
@router.get(_CONSENT + "/{version}")
def consent_page(request: Request, version: str = consent.CURRENT) -> HTMLResponse:
    """The text in force, or an older one."""
    text = consent.text(version, language_of(request))
    return page(request, "profiles/consent.html", text=text, version=version, versions=consent.VERSIONS)


@router.get(_CONFIRM)
def confirm_page(request: Request, session: SessionDep, token: str = "") -> HTMLResponse:
    """One click away from being confirmed: opening a link must change nothing, for programs open links in mails too."""
    return _confirm_page(request, session, token, {})


@router.post(_CONFIRM)
def confirm(request: Request, session: SessionDep, form: FormDep) -> Response:
    """The profile is right as of today."""
    token = str(form.get("token", ""))
    try:
        expert = upkeep.confirm_by_link(session, token, agrees=bool(form.get("consent")))
    except Invalid as error:
        return _confirm_page(request, session, token, problem_of(error, language_of(request)), status=error.status)
    return page(request, "profiles/confirmed.html", expert=expert, headers=_QUIET)


#: The address holds the token.
_QUIET = {"Referrer-Policy": "same-origin", "Cache-Control": "no-store"}


def _confirm_page(
    request: Request, session: SessionDep, token: str, problems: Problems, status: int = 200
) -> HTMLResponse:
    expert = upkeep.of_link(session, token)
    return page(
        request, "profiles/confirm.html", status=status, headers=_QUIET, expert=expert, token=token,
        lacks_consent=consent.is_lacking(expert), consent_version=consent.CURRENT, problems=problems,
    )  # fmt: skip
