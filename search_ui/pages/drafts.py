"""A draft, step by step: write, save, look for records to link, compare with what somebody else saved, send in."""

import json
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from indexer.search import Search
from kb.editorial import drafts, stages
from kb.editorial.tables import DraftRow
from kb.errors import Conflict, Invalid, KnowledgeBaseError, NotFound
from kb.settings import Settings
from kb.uploads import service as uploads
from kb.uploads.checking import MAX_BYTES
from schemas.accounts import Account
from schemas.fields import Field, Step
from schemas.forms import FORMS, step_of
from schemas.language import Language
from schemas.messages import N_
from search_ui import i18n
from search_ui.depends import SearchDep, SessionDep, SettingsDep
from search_ui.drafting import duplicates, merge
from search_ui.drafting.faults import faults, within
from search_ui.drafting.pages import common, missing, step_page
from search_ui.drafting.paths import items_of
from search_ui.drafting.read import Reader
from search_ui.drafting.shown import Asking
from search_ui.identity import Contributor
from search_ui.inputs import FormDep, Problems, problem_of, said, see_other
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)


def _here(request: Request, draft_id: str, step: str = "") -> str:
    return f"/{language_of(request)}/drafts/{draft_id}" + (f"/{step}" if step else "")


def _step(draft: DraftRow, name: str) -> Step:
    if step := step_of(draft.type, name):
        return step
    raise NotFound(N_("This draft has no such step."))


@router.get("/{lang:language}/drafts/similar")
def similar(request: Request, session: SessionDep, engine: SearchDep, account: Contributor) -> HTMLResponse:
    """While somebody types: what is here already and may be the same. A piece of a page."""
    asked = request.query_params
    draft = drafts.get(session, account, asked.get("draft", ""))
    title, summary = asked.get("title", ""), asked.get("summary", "")
    found = duplicates.of_text(session, engine, draft.type, title, summary, language_of(request), but=draft.record_id)
    return page(request, "drafts/duplicates.html", draft=draft, duplicates=found)


@router.get("/{lang:language}/drafts/find")
def find(request: Request, session: SessionDep, engine: SearchDep, account: Contributor) -> JSONResponse:
    """Records to link to, while somebody types a part of the name."""
    text, type = request.query_params.get("q", ""), request.query_params.get("type") or None
    found = engine.named(session, text, type if type in FORMS else None, language_of(request))  # type: ignore[arg-type]
    return JSONResponse([{"id": one.id, "label": one.label, "note": one.note} for one in found])


@router.get("/{lang:language}/drafts/{draft_id}")
def open_draft(request: Request, session: SessionDep, account: Contributor, draft_id: str) -> RedirectResponse:
    """Its first step."""
    draft = drafts.get(session, account, draft_id)
    return RedirectResponse(_here(request, draft_id, FORMS[draft.type][0].name), 303)


@router.get("/{lang:language}/drafts/{draft_id}/check")
def check(
    request: Request, session: SessionDep, engine: SearchDep, account: Contributor, draft_id: str
) -> HTMLResponse:
    """All that is wrong or missing, and the button that sends it in."""
    return _check(request, session, engine, drafts.get(session, account, draft_id), {})


def _check(request: Request, session: Session, engine: Search, draft: DraftRow, problems: Problems) -> HTMLResponse:
    shared = common(request, session, engine, draft)
    return page(
        request,
        "drafts/check.html",
        status=422 if problems else 200,
        problems=problems,
        ready=drafts.is_ready(draft),
        **shared | missing(draft, language_of(request), shared["all_faults"]),
    )


@router.post("/{lang:language}/drafts/{draft_id}/submit")
def submit(request: Request, session: SessionDep, engine: SearchDep, account: Contributor, draft_id: str) -> Response:
    """Send it to the editorial team."""
    try:
        draft = drafts.get(session, account, draft_id)
        if not drafts.is_ready(draft):
            raise Invalid(N_("Something is still missing or wrong. Look at the list, then send it in."))
        stages.move(session, account, draft, "submitted")
    except KnowledgeBaseError as error:
        draft = drafts.get(session, account, draft_id)
        return _check(request, session, engine, draft, problem_of(error, language_of(request)))
    return see_other(_here(request, draft_id, "check"), "submitted")


@router.post("/{lang:language}/drafts/{draft_id}/discard")
def discard(request: Request, session: SessionDep, account: Contributor, draft_id: str) -> RedirectResponse:
    """Throw it away."""
    drafts.discard(session, account, draft_id)
    return see_other(f"/{language_of(request)}/drafts", "discarded")


@router.post("/{lang:language}/drafts/{draft_id}/merge")
def take_both(
    request: Request, session: SessionDep, engine: SearchDep, account: Contributor, draft_id: str, form: FormDep
) -> Response:
    """Save what was chosen of both texts."""
    draft = drafts.get(session, account, draft_id)
    step = _step(draft, str(form.get("step", "")))
    mine = _mine(form, step)
    data = json.loads(json.dumps(draft.data))
    for field in step.fields:
        if form.get(f"choice.{field.name}") == "mine":
            merge.put_value(field, data, merge.value_of(field, mine))
    seen = str(form.get("version", ""))
    if not seen.isdecimal() or int(seen) != draft.version:  # and somebody was faster once more
        return _merge_page(
            request, draft, step, mine, [each for each in step.fields if f"choice.{each.name}" in form], []
        )
    drafts.save(session, account, draft_id, data, draft.version)
    return see_other(_here(request, draft_id, step.name), "saved")


def _mine(form: FormData, step: Step) -> dict[str, Any]:
    try:
        given = json.loads(str(form.get("mine", "")))
    except ValueError:
        given = None
    return given if isinstance(given, dict) else {}


@router.get("/{lang:language}/drafts/{draft_id}/{step_name}")
def show_step(
    request: Request, session: SessionDep, engine: SearchDep, account: Contributor, draft_id: str, step_name: str
) -> HTMLResponse:
    """A page of its form."""
    draft = drafts.get(session, account, draft_id)
    return step_page(
        request, session, engine, account, draft, _step(draft, step_name), asking=_asking(request, session, engine)
    )


def _asking(request: Request, session: Session, engine: Search) -> Asking:
    asked = request.query_params
    text, type = asked.get("q", ""), asked.get("type") or None
    if "find" not in asked:
        return Asking(more=asked.get("more", ""))
    found = engine.named(session, text, type if type in FORMS else None, language_of(request))  # type: ignore[arg-type]
    return Asking(find=asked["find"], text=text, found=found, more=asked.get("more", ""))


@router.post("/{lang:language}/drafts/{draft_id}/{step_name}")
def save_step(
    request: Request, session: SessionDep, engine: SearchDep, account: Contributor, draft_id: str, step_name: str,
    form: FormDep, settings: SettingsDep,
) -> Response:  # fmt: skip
    """Save a step, and do what its button says. What was typed is saved also where it is wrong."""
    draft = drafts.get(session, account, draft_id)
    step, language = _step(draft, step_name), language_of(request)
    reader = Reader(form, draft.type, draft.language)
    mine = reader.read(step, draft.data)
    by_script = "application/json" in request.headers.get("accept", "")
    problems = _upload(session, settings, account, draft, form, mine, language) if reader.action == "upload" else {}
    try:
        merged = _save(session, account, draft, step, reader, mine)
    except Conflict as error:
        if by_script:
            return JSONResponse({"conflict": said(error.detail, language)}, 409)
        return _merge_page(request, draft, step, mine, error.members["both"], error.members["only_mine"])
    if by_script:
        return JSONResponse(_saved(draft, step, reader, request))
    wrong = within(faults(draft, language), draft.type, step.name)
    if problems or (wrong and reader.action in ("next", "save")):
        return step_page(request, session, engine, account, draft, step, problems=problems, status=422)
    return _go_on(request, draft, step, reader, "merged" if merged else "saved")


def _upload(
    session: Session, settings: Settings, account: Account, draft: DraftRow, form: FormData, data: dict[str, Any],
    language: Language,
) -> Problems:  # fmt: skip
    """Add the file that was sent to the media; or what is wrong with it."""
    sent = form.get("upload")
    content = sent.file.read(MAX_BYTES + 1) if isinstance(sent, UploadFile) else b""
    try:
        media = uploads.take(session, settings, account, draft, content)
    except Invalid as error:
        return problem_of(error, language)
    data["media"] = [*items_of(data.get("media")), media]
    return {}


def _save(
    session: Session, account: Account, draft: DraftRow, step: Step, reader: Reader, mine: dict[str, Any]
) -> bool:
    """Whether somebody else had saved other fields meanwhile. Raises Conflict, with the fields, where they are the same."""
    version = reader.text("version")
    seen = int(version) if version.isdecimal() and len(version) < 10 else 0
    try:
        drafts.save(session, account, draft.id, mine, seen)
        return False
    except Conflict as error:
        current: DraftRow = error.members["current"]
        data, both = merge.joined(step, reader.text("base"), current.data, mine)
        if both:
            only_mine = [
                each for each in step.fields if merge.value_of(each, data) != merge.value_of(each, current.data)
            ]
            raise Conflict(error.detail, both=both, only_mine=only_mine) from error
        drafts.save(session, account, draft.id, data, current.version)
        return True


def _saved(draft: DraftRow, step: Step, reader: Reader, request: Request) -> dict[str, Any]:
    language = language_of(request)
    moment = i18n.moment(draft.updated_at, language)
    complete = i18n.percent(drafts.completeness(draft), language)
    return {
        "version": draft.version,
        "base": merge.marks(step, draft.data),
        "was": {path: "" if place is None else str(place) for path, place in reader.moved.items()},
        "status": said(N_("Saved: %(moment)s"), language, {"moment": moment}),
        "complete": said(N_("%(share)s complete"), language, {"share": complete}),
        "share": round(drafts.completeness(draft) * 100),
    }


def _go_on(request: Request, draft: DraftRow, step: Step, reader: Reader, done: str) -> RedirectResponse:
    here = _here(request, draft.id, step.name)
    match reader.action:
        case "add":
            name = reader.now(reader.subject)
            return _with_anchor(see_other(here, more=name), name)
        case "find":
            text, type = reader.text(f"look.{reader.subject}"), reader.text(f"type.{reader.subject}")
            name = reader.now(reader.subject)
            return _with_anchor(see_other(here, find=name, q=text, type=type, more=_list_of(reader)), name)
        case "remove" | "up":
            return _with_anchor(see_other(here), reader.subject.rpartition(".")[0])
        case "upload":
            return _with_anchor(see_other(here, done), "media")
        case "next":
            names = [*(each.name for each in FORMS[draft.type]), "check"]
            return see_other(_here(request, draft.id, names[names.index(step.name) + 1]), done)
        case _:
            return see_other(here, done)


def _list_of(reader: Reader) -> str:
    """The list in whose new item somebody looks for a record, so that the item is there again."""
    above = reader.subject.rpartition(".")[0]
    return above.rpartition(".")[0] if above in reader.moved and reader.moved[above] is None else ""


def _with_anchor(response: RedirectResponse, name: str) -> RedirectResponse:
    response.headers["location"] += f"#f-{name.replace('.', '-')}"
    return response


def _merge_page(
    request: Request, draft: DraftRow, step: Step, mine: dict[str, Any], both: list[Field], only_mine: list[Field]
) -> HTMLResponse:
    kept: dict[str, Any] = {}
    for field in step.fields:
        merge.put_value(field, kept, merge.value_of(field, mine))
    return page(
        request,
        "drafts/merge.html",
        status=409,
        section="drafts",
        draft=draft,
        step=step,
        clashes=[merge.clash(field, draft.data, mine, draft.language) for field in both],
        only_mine=[field.name for field in only_mine],
        mine=json.dumps(kept, ensure_ascii=False),
    )
