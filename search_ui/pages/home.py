"""The first page: a question, the cities and what travelled between them, and ways in."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from indexer.search import Search
from kb.records import service as records
from schemas.language import Language
from schemas.records import Adoption, RecordType
from schemas.search import FacetCount, SearchQuery
from schemas.vocabulary import load
from search_ui import forms, i18n, maps, site
from search_ui.depends import SearchDep, SessionDep
from search_ui.i18n import N_
from search_ui.render import language_of, page, search_path

router = APIRouter(include_in_schema=False)

EXAMPLES: Final = (
    N_("How can streets feel safe for women at night?"),
    N_("cable car for hillside neighbourhoods"),
    N_("housing projects in São Paulo"),
    N_("participatory budgeting for young people"),
)
_FIGURES: Final[tuple[RecordType, ...]] = ("case_study", "city", "adoption", "expert", "initiative", "publication")
_MOST_CITIES: Final = 500
_MOST_JOURNEYS: Final = 150
_RECENT: Final = 6


@router.get("/{lang:language}/")
def home(request: Request, session: SessionDep, engine: SearchDep) -> HTMLResponse:
    """The home page of a language."""
    language = language_of(request)
    counts = records.count_by_type(session)
    return page(
        request,
        "home.html",
        examples=[i18n.gettext(text, language) for text in EXAMPLES],
        figures=[(kind, counts[kind]) for kind in _FIGURES if counts.get(kind)],
        cases=counts.get("case_study", 0),
        featured=list(records.load_public(session, site.current(request.app).featured).values()),
        **_found(session, engine, language),
    )


def _found(session: Session, engine: Search, language: Language) -> dict[str, Any]:
    recent = engine.answer(session, SearchQuery(lang=language, type=["case_study"], sort="newest", limit=_RECENT))
    facets = engine.answer(session, SearchQuery(lang=language, limit=0)).facets
    spots = _cities(session, engine, language)
    return {
        "spots": sorted(spots, key=lambda spot: spot.label),
        "map": _map(session, spots, language),
        "recent": recent.results,
        "goals": _counts(facets.get("sdg", [])),
        "themes": _rows("gender_theme", "gender_themes", facets, language),
        "topics": _rows("topic", "topics", facets, language),
    }


def _cities(session: Session, engine: Search, language: Language) -> list[maps.Spot]:
    points = engine.points(session, SearchQuery(lang=language, type=["city"]), _MOST_CITIES)
    return [maps.Spot(point.lat, point.lon, point.title, point.url) for point in points]


def _map(session: Session, spots: Sequence[maps.Spot], language: Language) -> maps.Map:
    def several(group: Sequence[maps.Spot]) -> tuple[str, str]:
        near = SearchQuery(lang=language, type=["city"], near=maps.circle_around(group))
        return i18n.join([spot.label for spot in group], language), forms.address(near)

    return maps.draw(spots, arcs=_journeys(session), several=several, fit=False)


def _journeys(session: Session) -> list[tuple[maps.Spot, maps.Spot]]:
    """From where to where each practice travelled, for transfers between cities that have a place on the map."""
    adoptions = [stored.record for stored in islice(records.iterate(session, "adoption"), _MOST_JOURNEYS)]
    pairs = [(adoption.case_study, adoption.city) for adoption in adoptions if isinstance(adoption, Adoption)]
    cases = records.load_public(session, [case for case, _ in pairs])
    homes = {case: _city_of(stored) for case, stored in cases.items()}
    places = records.load_public(session, [city for city in [*homes.values(), *(to for _, to in pairs)] if city])
    spots = {city: spot for city, stored in places.items() if (spot := _spot(stored))}
    wanted = dict.fromkeys((homes.get(case), to) for case, to in pairs)
    return [(spots[start], spots[end]) for start, end in wanted if start in spots and end in spots and start != end]


def _city_of(stored: records.Stored) -> str | None:
    return next((link.to for link in stored.record.links if link.rel == "city"), None)


def _spot(stored: records.Stored) -> maps.Spot | None:
    place = stored.record.place
    return maps.Spot(place.coordinates.lat, place.coordinates.lon, "", "") if place and place.coordinates else None


def _counts(facet: list[FacetCount]) -> dict[str, int]:
    return {count.id: count.count for count in facet}


def _rows(
    name: str, vocabulary: str, facets: dict[str, list[FacetCount]], language: Language
) -> list[tuple[str, str, int]]:
    """(label, address, count) for each top term that has records, most first."""
    counts = _counts(facets.get(name, []))
    rows = [
        (term.label[language], search_path(language, **{name: term.id}), counts.get(term.id, 0))
        for term in load(vocabulary).top()
    ]
    return sorted((row for row in rows if row[2]), key=lambda row: -row[2])
