"""An expert's own page: write a profile or claim one, change it, say who sees what, confirm it, take it down."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from kb.db import utcnow
from kb.errors import Conflict
from kb.profiles import consent, proofs, service, upkeep
from kb.profiles.service import Profile
from kb.records import service as records
from kb.records.urls import record_path
from schemas.accounts import Account
from schemas.language import LANGUAGES, Language
from schemas.records import Expert
from schemas.search import SearchQuery
from schemas.tags import Gender, GenderThemeTag, SdgTag
from schemas.vocabulary import Term, load
from search_ui import profile_form, related
from search_ui.depends import SearchDep, SessionDep, SettingsDep
from search_ui.identity import Needs
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other, typed
from search_ui.profile_form import ProfileForm
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

ProfileKeeper = Annotated[Account, Depends(Needs("profile"))]
_HOME = "/{lang:language}/account/profile"


def home(request: Request) -> str:
    """The path of the page."""
    return f"/{language_of(request)}/{service.MINE}"


@router.get(_HOME)
def mine(request: Request, session: SessionDep, search: SearchDep, account: ProfileKeeper) -> HTMLResponse:
    """What there is: the profile with what can be done about it, or the two ways to one."""
    profile = service.profile_of(session, account.id)
    if profile is None:
        return _beginning(request, session, search, account)
    expert = profile.expert
    return page(
        request,
        "profiles/mine.html",
        section="account",
        profile=profile,
        expert=expert,
        absence=upkeep.absence_of(session, expert.id),
        lacks_consent=consent.is_lacking(expert),
        until=upkeep.shown_until(expert),
        public_path=record_path("expert", expert.id, language_of(request)),
        hidden=_hidden(expert),
        tags=_tags(expert),
        proofs=proofs.of_expert(session, expert),
        today=utcnow().date(),
        problems={},
    )


def _hidden(expert: Expert) -> list[tuple[str, str]]:
    """(what, from whom) for all that is not public, as the form's words for them."""
    names, who = profile_form.HIDEABLE, profile_form.VISIBILITIES
    shown = profile_form.shown_to(expert)
    return [(text, who[shown[name]]) for name, text in names.items() if shown[name] != "public"]


class ShownTag(NamedTuple):
    """A tag that stands in the profile. ``key`` is what the form for doubts calls it."""

    vocabulary: str
    code: str
    key: str
    tag: SdgTag | GenderThemeTag | Gender


def _tags(expert: Expert) -> list[ShownTag]:
    """What the expert was tagged with, whoever sees it."""
    goals = [ShownTag("sdgs", tag.code, f"sdg:{tag.code}", tag) for tag in expert.sdgs if tag.public]
    themes = [
        ShownTag("gender_themes", tag.theme, f"theme:{tag.theme}", tag) for tag in expert.gender.themes if tag.public
    ]
    marker = ShownTag("gender_markers", str(expert.gender.marker), "gender:gender", expert.gender)
    return [*goals, *themes, *([marker] if expert.gender.marker is not None else [])]


def _beginning(request: Request, session: SessionDep, search: SearchDep, account: Account) -> HTMLResponse:
    """Somebody who has no profile: those that may be theirs, by name, and the way to a new one."""
    asked = request.query_params.get("q", account.name)[:200]
    found = search.answer(session, SearchQuery(q=asked, lang=language_of(request), type=["expert"], mode="keyword"))
    free = [each for each in found.results if service.can_claim(session, each.id)]
    return page(request, "profiles/beginning.html", section="account", q=asked, found=free)


# Writing


@router.get(_HOME + "/edit")
def edit(request: Request, session: SessionDep, account: ProfileKeeper) -> HTMLResponse:
    """The form, for texts of one language."""
    profile = _writable(session, account)
    language = _text_language(request, profile)
    values = profile_form.values_of(profile.expert if profile else None, language, language_of(request))
    if profile is None:
        values |= {"name": account.name}
    return _form_page(request, session, profile, language, values, {})


@router.post(_HOME + "/edit")
def save(
    request: Request, session: SessionDep, settings: SettingsDep, account: ProfileKeeper, form: FormDep
) -> Response:
    """Take it: a first profile waits for staff, a change is there at once."""
    profile, reader = _writable(session, account), language_of(request)
    language = _text_language(request, profile)
    visibility = profile_form.visibility_of(form)
    value, problems = read(form, ProfileForm, reader)
    kept = typed(form, ProfileForm) | {f"visibility.{name}": who for name, who in visibility.items()}
    kept["consent"] = form.get("consent")
    if profile is None and not form.get("consent"):
        problems["consent"] = _agree(reader)
    if value is None or problems:
        return _form_page(request, session, profile, language, kept, problems, status=422)
    expert = profile_form.expert_of(value, visibility, language, profile.expert if profile else None)
    try:
        if profile is None:
            service.create(session, settings, account, expert)
        else:
            service.change(session, account, expert, revision_of(form))
    except Conflict:
        return _merge_page(request, session, account, language, kept)
    return see_other(home(request), "saved" if profile else "sent")


def _agree(language: Language) -> str:
    return problem_of(service.NOT_AGREED, language)["consent"]


def _writable(session: SessionDep, account: Account) -> Profile | None:
    """The profile that they may write; None where they have none. Raises NotFound while they only claim one."""
    return service.kept(session, account.id) if service.profile_of(session, account.id) else None


def _text_language(request: Request, profile: Profile | None) -> Language:
    asked = request.query_params.get("in")
    default = profile.expert.language if profile else language_of(request)
    return next((language for language in LANGUAGES if language == asked), default)


def revision_of(form: FormDep) -> int:
    """The revision that the form was made from."""
    text = str(form.get("revision", ""))
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def _merge_page(
    request: Request, session: SessionDep, account: Account, language: Language, kept: Mapping[str, Any]
) -> HTMLResponse:
    """Somebody saved meanwhile: what was typed stays, and beside it stands what they wrote."""
    profile = service.kept(session, account.id)
    theirs = profile_form.differences(kept, profile, language, language_of(request))
    return _form_page(request, session, profile, language, kept, {}, status=409, theirs=theirs)


def _form_page(
    request: Request,
    session: SessionDep,
    profile: Profile | None,
    language: Language,
    values: Mapping[str, Any],
    problems: Problems,
    *,
    status: int = 200,
    theirs: list[tuple[str, str]] | None = None,
) -> HTMLResponse:
    return page(
        request,
        "profiles/edit.html",
        status=status,
        section="account",
        profile=profile,
        text_language=language,
        values=values,
        problems=problems,
        theirs=theirs,
        names=profile_form.NAMES,
        visibilities=profile_form.VISIBILITIES,
        guarded=profile_form.GUARDED,
        cities=_cities(session, language_of(request)),
        expertise=_expertise(),
        availabilities=[(term.id, term.label[language_of(request)]) for term in load("availability").terms],
        consent_version=consent.CURRENT,
    )


def _cities(session: SessionDep, language: Language) -> list[tuple[str, str]]:
    found = [(stored.record.id, related.title(stored, language)) for stored in records.iterate(session, "city")]
    return sorted(found, key=lambda pair: pair[1])


def _expertise() -> list[tuple[str, list[Term]]]:
    """(heading, terms) of the picker: topics by what is above them, then instruments and gender themes."""
    return [(name, load(name).terms) for name in ("topics", "instruments", "gender_themes")]


# Before readers, or not


@router.post(_HOME + "/confirm")
def confirm(session: SessionDep, request: Request, account: ProfileKeeper, form: FormDep) -> Response:
    """It is right as of today; what was hidden comes back."""
    service.confirm(session, account, agrees=bool(form.get("consent")))
    return see_other(home(request), "confirmed")


@router.post(_HOME + "/take-down")
def take_down(session: SessionDep, request: Request, account: ProfileKeeper) -> Response:
    """Nobody is to see it any more."""
    service.take_down(session, account)
    return see_other(home(request), "saved")


# Claiming


@router.get(_HOME + "/claim")
def claim_page(request: Request, session: SessionDep, account: ProfileKeeper, record: str = "") -> HTMLResponse:
    """Before a claim: which profile it is, and a word to those who decide."""
    return _claim_page(request, session, record, {}, {})


@router.post(_HOME + "/claim")
def claim(
    request: Request, session: SessionDep, settings: SettingsDep, account: ProfileKeeper, form: FormDep
) -> Response:
    """Say that it is one's own."""
    record, note = str(form.get("record", "")), str(form.get("note", "")).strip()[:2_000]
    try:
        state = service.claim(session, settings, account, record, note)
    except Conflict as error:
        problems = problem_of(error, language_of(request))
        return _claim_page(request, session, record, {"note": note}, problems, status=error.status)
    return see_other(home(request), "saved" if state == "kept" else "sent")


def _claim_page(
    request: Request,
    session: SessionDep,
    record_id: str,
    values: Mapping[str, Any],
    problems: Problems,
    status: int = 200,
) -> HTMLResponse:
    stored = related.readable(records.get_public(session, record_id))
    return page(
        request,
        "profiles/claim.html",
        status=status,
        section="account",
        stored=stored,
        values=values,
        problems=problems,
    )
