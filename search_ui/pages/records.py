"""A page for each published record, of whichever type; events also as a calendar file, all also as JSON-LD."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from indexer.search import Search
from kb.db import utcnow
from kb.editorial import drafts
from kb.errors import NotFound
from kb.messages import receivers
from kb.profiles import proofs
from kb.profiles import service as profiles
from kb.records import service as records
from kb.records.jsonld import json_ld
from kb.records.privacy import for_members_only
from kb.records.service import Stored
from kb.records.urls import SEGMENTS, record_path
from kb.tagging import cases
from kb.tagging.cases import TAGGED
from kb.tagging.decisions import TEAM
from schemas.gender_marker import explain
from schemas.labels import CRITERIA
from schemas.language import LANGUAGES, Language
from schemas.records import Collection, Event, Expert, RecordType
from schemas.search import SearchResult
from search_ui import calendar, excerpts, i18n, locator, related
from search_ui.addresses import origin_of
from search_ui.depends import SearchDep, SessionDep
from search_ui.identity import who
from search_ui.pages.finder import STANDINGS
from search_ui.profile_form import HIDEABLE
from search_ui.render import language_of, page

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)

#: Types of which others like it are worth a look.
_WITH_SIMILAR: Final[frozenset[RecordType]] = frozenset(
    {"case_study", "initiative", "expert", "publication", "event", "news"}
)
_SIMILAR: Final = 4
#: Types that say whom to write to.
_WITH_CONTACT: Final[frozenset[RecordType]] = frozenset({"case_study", "initiative", "adoption", "expert"})


@router.get("/{lang:language}/events/{record_id}.ics")
def event_calendar(request: Request, session: SessionDep, record_id: str) -> Response:
    """The event for a calendar program. There is none for an event whose day is not known."""
    stored, language = related.readable(records.get_public(session, record_id)), language_of(request)
    if not isinstance(stored.record, Event) or not calendar.is_dated(stored.record):
        raise NotFound(f"'{record_id}' has no day to put into a calendar.")
    address = origin_of(request) + record_path("event", record_id, language)
    body = calendar.icalendar(stored, language, address, request.app.state.settings.site_name)
    headers = {"Content-Disposition": f'attachment; filename="{record_id}.ics"', "Cache-Control": "no-cache"}
    return Response(body, headers=headers, media_type="text/calendar")


@router.get("/{lang:language}/{segment:segment}/{record_id}.jsonld")
def linked_data(request: Request, session: SessionDep, record_id: str) -> Response:
    """The record as schema.org JSON-LD, at an address that a browser can follow."""
    return Response(to_json(_graph(request, records.get_public(session, record_id))), media_type="application/ld+json")


@router.get("/{lang:language}/{segment:segment}/{record_id}")
def record_page(request: Request, session: SessionDep, engine: SearchDep, segment: str, record_id: str) -> Response:
    """The record's page; below another type's name, the way to it."""
    found, language = records.get_public(session, record_id), language_of(request)
    stored = related.for_members(found) if who(request) else related.readable(found)
    record = stored.record
    if segment != SEGMENTS[record.type]:
        return RedirectResponse(record_path(record.type, record.id, language), 301)
    account = who(request)
    may_edit = account is not None and (account.may("review") or drafts.is_owner(session, account.id, record_id))
    return show(request, session, engine, stored, whole=found, may_edit=may_edit)


def show(
    request: Request,
    session: Session,
    engine: Search,
    stored: Stored,
    *,
    whole: Stored | None = None,
    may_edit: bool = False,
    preview: str = "",
) -> Response:
    """The page of a record, as its readers may see it. ``whole`` is all of it, where they may not see all; ``preview``: it is
    a draft, and this is the way back to it."""
    found = whole or stored
    record, language, segment = stored.record, language_of(request), SEGMENTS[stored.record.type]
    around = related.around(session, stored, language)
    if isinstance(record, Expert):
        around = _with_standings(session, record, around, language)
    return page(
        request,
        f"records/{record.type}.html",
        section=segment,
        alternates={each: record_path(record.type, record.id, each) for each in LANGUAGES} if not preview else None,
        may_edit=may_edit,
        preview=preview,
        stored=stored,
        record=record,
        around=around,
        city=related.city_of(session, record),
        similar_records=[] if preview else _similar(session, engine, stored, language),
        graph=_graph(request, found),
        reach=receivers.reach_of(session, found.record) if record.type in _WITH_CONTACT else None,
        today=utcnow().date(),
        explained=explain(record.gender.checklist),
        CRITERIA=CRITERIA,
        under_review=cases.under_review(session, record.id),
        TEAM=TEAM,
        TAGGED=TAGGED,
        excerpt=excerpts.excerpt,
        headings=[],
        **_EXTRAS.get(record.type, lambda *_: {})(session, found, around, language),
    )


def _graph(request: Request, stored: Stored) -> dict[str, Any]:
    return json_ld(stored, language_of(request), origin_of(request), request.app.state.settings.site_name)


def _similar(session: Session, engine: Search, stored: Stored, language: Language) -> list[SearchResult]:
    """Records like this one. They are an offer, not the page: while the index is away there are none."""
    if stored.record.type not in _WITH_SIMILAR:
        return []
    try:
        return engine.similar(session, stored.record.id, language, _SIMILAR)
    except Exception:  # the engine may be any of several, each with errors of its own
        log.warning("no similar records for %s", stored.record.id, exc_info=True)
        return []


# What only one type has


def _city(session: Session, stored: Stored, around: related.Around, language: Language) -> dict[str, Any]:
    cases = [item.stored.record.id for item in around.linked.get("case_study", [])]
    given = related.adoptions_of(session, cases)
    return {"given": given, "map": locator.draw(stored, around.transfers, given, language)}


def _event(session: Session, stored: Stored, around: related.Around, language: Language) -> dict[str, Any]:
    assert isinstance(stored.record, Event)
    experts = [speaker.expert for item in stored.record.programme for speaker in item.speakers if speaker.expert]
    return {
        "programme": calendar.programme(stored.record),
        "offset": calendar.offset(stored.record),
        "dated": calendar.is_dated(stored.record),
        "experts": records.load_public(session, experts),
    }


def _collection(session: Session, stored: Stored, around: related.Around, language: Language) -> dict[str, Any]:
    assert isinstance(stored.record, Collection)
    found = records.load_public(session, [step.record for step in stored.record.steps])
    places = related.place_names(session, [each.record for each in found.values()], language)
    return {
        "steps": [
            (related.readable(found[step.record]), step.note, places[step.record])
            for step in stored.record.steps
            if step.record in found
        ]
    }


def _expert(session: Session, found: Stored, around: related.Around, language: Language) -> dict[str, Any]:
    names = [i18n.gettext(HIDEABLE[name], language) for name in for_members_only(found.record) if name in HIDEABLE]
    return {"for_members": names, "can_claim": profiles.account_of_expert(session, found.record.id) is None}


def _with_standings(session: Session, expert: Expert, around: related.Around, language: Language) -> related.Around:
    """What is linked, each proof with who stands by it."""
    confirmed = proofs.standings(session, [expert])

    def told(item: related.Linked) -> related.Linked:
        standing = proofs.standing(expert, item.stored.record, confirmed)
        words = i18n.gettext(STANDINGS[standing], language)
        return replace(item, role=" · ".join(part for part in (item.role, words) if part))

    linked = {
        kind: [told(i) for i in items] if kind in proofs.RELATIONS else items for kind, items in around.linked.items()
    }
    return replace(around, linked=linked)


def _adoption(session: Session, stored: Stored, around: related.Around, language: Language) -> dict[str, Any]:
    return {"transfer": related.transfers(session, [stored])[0]}


_EXTRAS: Final[dict[RecordType, Callable[[Session, Stored, related.Around, Language], dict[str, Any]]]] = {
    "city": _city,
    "event": _event,
    "collection": _collection,
    "adoption": _adoption,
    "expert": _expert,
}
