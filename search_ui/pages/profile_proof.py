"""What proves an expert: named by them, confirmed by others; and the page of those who decide."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from kb.errors import Conflict, Invalid
from kb.profiles import proofs, service
from schemas.language import LANGUAGES
from schemas.search import SearchQuery
from search_ui.depends import SearchDep, SessionDep, SettingsDep
from search_ui.identity import SignedIn
from search_ui.inputs import FormDep, Problems, problem_of, see_other
from search_ui.pages.finder import STANDINGS
from search_ui.pages.profile import ProfileKeeper, revision_of
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_MINE = "/{lang:language}/account/profile/proof"
_REQUESTS = "/{lang:language}/account/requests"
_MOST_WORDS = 500
#: Records that a search for proof offers.
_OFFERED = 5


@router.get(_MINE)
def mine(request: Request, session: SessionDep, search: SearchDep, account: ProfileKeeper) -> HTMLResponse:
    """What somebody names as proof, what others said to it, and a search for more."""
    return _page(request, session, search, account, {}, {})


def _page(
    request: Request,
    session: SessionDep,
    search: SearchDep,
    account: ProfileKeeper,
    typed: dict[str, Any],
    problems: Problems,
    status: int = 200,
) -> HTMLResponse:
    profile, q = service.kept(session, account.id), request.query_params.get("q", "")[:200]
    named = proofs.of_expert(session, profile.expert)
    asking = SearchQuery(q=q, lang=language_of(request), type=list(proofs.RELATIONS), limit=_OFFERED)
    found = search.answer(session, asking).results if q.strip() else []
    return page(
        request,
        "profiles/proof.html",
        status=status,
        section="account",
        profile=profile,
        named=named,
        refused=proofs.refused(session, profile.expert),
        waiting=proofs.asked_of(session, profile.expert),
        q=q,
        found=[each for each in found if each.id not in {one.record.id for one in named}],
        standings=STANDINGS,
        typed=typed,
        problems=problems,
    )


@router.post(_MINE)
def state(
    request: Request,
    session: SessionDep,
    search: SearchDep,
    settings: SettingsDep,
    account: ProfileKeeper,
    form: FormDep,
) -> Response:
    """Name a record, or say anew what one's part was."""
    record, said = str(form.get("record", "")), str(form.get("part", "")).strip()
    language = next((each for each in LANGUAGES if each == form.get("language")), language_of(request))
    try:
        part = {language: _part(said)} if said else {}
        proofs.state(session, settings, account, record, part, revision_of(form))
    except (Conflict, Invalid) as error:
        problems = problem_of(error, language_of(request))
        return _page(request, session, search, account, {"record": record, "part": said}, problems, error.status)
    return see_other(request.url.path, "saved")


def _part(said: str) -> str:
    if len(said) > _MOST_WORDS:
        raise Invalid(proofs.TOO_LONG, field="part", max_length=_MOST_WORDS)
    return said


@router.post(_MINE + "/remove")
def remove(request: Request, session: SessionDep, account: ProfileKeeper, form: FormDep) -> Response:
    """Name a record no longer."""
    proofs.take_back(session, account, str(form.get("record", "")), revision_of(form))
    return see_other(request.url.path.removesuffix("/remove"), "removed")


# Those who decide


@router.get(_REQUESTS)
def requests(request: Request, session: SessionDep, account: SignedIn) -> HTMLResponse:
    """What waits for this person: proof from their records; for staff also claims and new profiles."""
    return page(
        request,
        "profiles/requests.html",
        section="account",
        profiles=service.waiting(session) if account.may("review") else [],
        proofs=proofs.waiting(session, account),
        staff=account.may("review"),
    )


@router.post(_REQUESTS + "/profile")
def decide_profile(
    request: Request, session: SessionDep, settings: SettingsDep, account: SignedIn, form: FormDep
) -> Response:
    """Accept or refuse a claim or a new profile."""
    accept = form.get("decision") == "accept"
    service.decide(session, settings, account, str(form.get("account", "")), accept=accept)
    return see_other(request.url.path.removesuffix("/profile"), "saved")


@router.post(_REQUESTS + "/proof")
def decide_proof(
    request: Request, session: SessionDep, settings: SettingsDep, account: SignedIn, form: FormDep
) -> Response:
    """Confirm or refuse what an expert says about a record."""
    expert, record = str(form.get("expert", "")), str(form.get("record", ""))
    proofs.decide(session, settings, account, expert, record, confirms=form.get("decision") == "confirm")
    return see_other(request.url.path.removesuffix("/proof"), "saved")
