"""Ways in by subject: goals and targets, gender, topics, cities, and a page for each kind of record."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kb.errors import NotFound
from kb.records import service as records
from kb.records.service import Stored
from kb.records.urls import record_path
from schemas.language import Language
from schemas.records import RecordType
from schemas.search import SearchQuery
from schemas.text import fold
from schemas.vocabulary import Term, load
from search_ui import coverage, facets, forms, i18n, maps, related
from search_ui.addresses import KIND_OF
from search_ui.coverage import Subjects
from search_ui.depends import SearchDep, SessionDep
from search_ui.i18n import N_
from search_ui.render import KINDS, language_of, page

router = APIRouter(include_in_schema=False)

INTROS: Final[dict[RecordType, str]] = {
    "case_study": N_(
        "What cities did about a problem: what it cost, what came of it, what did not work, and what it takes to do "
        "the same."
    ),
    "initiative": N_("Projects, programmes and networks that cities run together."),
    "expert": N_("People who have done it and can be asked. Each profile names the cases that prove it."),
    "organisation": N_("Bodies that lead, pay or take part."),
    "event": N_("Webinars, training, congresses and meetings."),
    "publication": N_("Papers, reports, guides and declarations."),
    "news": N_("What happened, and when."),
    "award": N_("Prizes for cities, and who won them."),
    "collection": N_("Learning paths: records in an order, each with a note on why to read it."),
    "adoption": N_("Practices that a city took up from another: what it changed, and what came of it."),
}
_FACETS: Final[dict[RecordType, tuple[str, ...]]] = {
    "case_study": ("topic", "region", "gender_theme", "cost_band", "city_size", "evidence_level"),
    "expert": ("topic", "gender_theme", "instrument", "region"),
}
_OTHER_FACETS: Final = ("topic", "region", "gender_theme")
#: Types that have no date of their own to be sorted by.
_UNDATED: Final[frozenset[RecordType]] = frozenset({"expert", "organisation", "award", "collection"})
#: Stands for the region of a city whose country is not known.
_NOWHERE: Final = "elsewhere"
_ROWS: Final = 8
_SHOWN: Final = 9
_PER_TARGET: Final = 4


# Goals


@router.get("/{lang:language}/sdgs")
def goals(request: Request, session: SessionDep, engine: SearchDep) -> HTMLResponse:
    """The 17 goals and 169 targets, with how many cases there are on each."""
    subjects = Subjects(session, engine, language_of(request))
    targets = [term.id for term in load("sdgs").terms if term.broader]
    counts = subjects.counts_of("target", targets, type=["case_study"])
    return page(
        request,
        "subjects/goals.html",
        section="sdgs",
        goals=subjects.counts("sdg", type=["case_study"]),
        targets=counts,
        covered=sum(1 for count in counts.values() if count),
    )


@router.get("/{lang:language}/sdgs/{code}")
def goal(request: Request, session: SessionDep, engine: SearchDep, code: str) -> Response:
    """A goal with its targets and their cases, and what is missing; for a target, the way to its place there."""
    term, language = _term("sdgs", code), language_of(request)
    if term.broader:
        return RedirectResponse(f"/{language}/sdgs/{term.broader}#target-{code}", 301)
    subjects = Subjects(session, engine, language)
    targets = load("sdgs").narrower(code)
    counts = subjects.counts_of("target", [target.id for target in targets], type=["case_study"])
    kinds = subjects.counts("type", sdg=[code])
    return page(
        request,
        "subjects/goal.html",
        section="sdgs",
        goal=term,
        targets=targets,
        counts=counts,
        cases={
            target: subjects.first(_PER_TARGET, type=["case_study"], target=[target])
            for target, count in counts.items()
            if count
        },
        missing=[target for target in targets if not counts[target.id]],
        kinds=kinds,
        themes=[theme for theme in load("gender_themes").terms if _serves(theme, code)],
    )


def _serves(theme: Term, goal: str) -> bool:
    return any(each.removeprefix("sdgs:").split(".")[0] == goal for each in theme.related if each.startswith("sdgs:"))


# Gender


@router.get("/{lang:language}/gender")
def gender(request: Request, session: SessionDep, engine: SearchDep) -> HTMLResponse:
    """The themes, the marker in plain words, and how many cases carry which."""
    subjects = Subjects(session, engine, language_of(request))
    found = subjects.facets(type=["case_study"])
    themes = {each.id: each.count for each in found.get("gender_theme", [])}
    markers = {each.id: each.count for each in found.get("gender_marker", [])}
    total = sum(markers.values())
    return page(
        request,
        "subjects/gender.html",
        section="gender",
        themes=themes,
        markers=markers,
        total=total,
        screened=total - markers.get("unscreened", 0),
    )


@router.get("/{lang:language}/gender/{theme}")
def gender_theme(request: Request, session: SessionDep, engine: SearchDep, theme: str) -> HTMLResponse:
    """A theme: what it is about, which targets it serves, and what there is on it."""
    return _term_page(request, Subjects(session, engine, language_of(request)), "gender_themes", "gender_theme", theme)


# Topics


@router.get("/{lang:language}/topics")
def topics(request: Request, session: SessionDep, engine: SearchDep) -> HTMLResponse:
    """The topics in their two levels, with how many cases there are on each."""
    subjects = Subjects(session, engine, language_of(request))
    counts = subjects.counts_of("topic", [term.id for term in load("topics").terms], type=["case_study"])
    return page(request, "subjects/topics.html", counts=counts)


@router.get("/{lang:language}/topics/{topic}")
def topic_page(request: Request, session: SessionDep, engine: SearchDep, topic: str) -> HTMLResponse:
    """A topic: what it is about, what is above and below it, and what there is on it."""
    return _term_page(request, Subjects(session, engine, language_of(request)), "topics", "topic", topic)


def _term(vocabulary: str, term_id: str) -> Term:
    term = load(vocabulary).get(term_id)
    if term is None:
        raise NotFound(f"There is no '{term_id}' in the vocabulary {vocabulary}.")
    return term


def _term_page(request: Request, subjects: Subjects, vocabulary: str, facet: str, term_id: str) -> HTMLResponse:
    term, terms = _term(vocabulary, term_id), load(vocabulary)
    below = terms.narrower(term_id)
    where: dict[str, Any] = {facet: [term_id]}
    return page(
        request,
        "subjects/term.html",
        section="gender" if facet == "gender_theme" else "",
        facet=facet,
        term=term,
        above=terms[term.broader] if term.broader else None,
        below=below,
        counts=subjects.counts_of(facet, [each.id for each in below], type=["case_study"]),
        kinds=subjects.counts("type", **where),
        targets=[each.removeprefix("sdgs:") for each in term.related if each.startswith("sdgs:")],
        cases=subjects.first(_SHOWN, type=["case_study"], **where),
        experts=subjects.first(_PER_TARGET, type=["expert"], **where),
    )


# Cities


class CityEntry(NamedTuple):
    """A city in the list, with the number of its cases."""

    name: str
    href: str
    country: str
    cases: int


class RegionEntry(NamedTuple):
    """A region with its cities from A to Z."""

    name: str
    cities: list[CityEntry]


class ContinentEntry(NamedTuple):
    """A continent with those of its regions that have cities here."""

    id: str
    name: str
    regions: list[RegionEntry]


@router.get("/{lang:language}/cities")
def cities(request: Request, session: SessionDep, engine: SearchDep) -> HTMLResponse:
    """All cities on a map, and from A to Z by region."""
    subjects = Subjects(session, engine, language_of(request))
    found = list(records.iterate(session, "city"))
    counts = subjects.counts_of("city", [stored.record.id for stored in found], type=["case_study"])
    return page(
        request,
        "subjects/cities.html",
        section="cities",
        total=len(found),
        continents=_by_region(found, counts, subjects.language),
        map=_map_of(found, subjects.language),
    )


def _by_region(found: Sequence[Stored], counts: dict[str, int], language: Language) -> list[ContinentEntry]:
    grouped: dict[str, list[CityEntry]] = {}
    for stored in found:
        grouped.setdefault(_region_of(stored), []).append(_entry(stored, counts, language))
    continents = [
        ContinentEntry(top.id, top.label[language], [
            RegionEntry(term.label[language], _a_to_z(grouped[term.id]))
            for term in [top, *load("regions").narrower(top.id)]
            if term.id in grouped
        ])
        for top in load("regions").top()
    ]  # fmt: skip
    if _NOWHERE in grouped:
        elsewhere = i18n.gettext(N_("Elsewhere"), language)
        continents.append(ContinentEntry(_NOWHERE, elsewhere, [RegionEntry("", _a_to_z(grouped[_NOWHERE]))]))
    return [continent for continent in continents if continent.regions]


def _a_to_z(entries: list[CityEntry]) -> list[CityEntry]:
    return sorted(entries, key=lambda entry: fold(entry.name))


def _region_of(stored: Stored) -> str:
    country = stored.record.place.country if stored.record.place else None
    return next((term.id for term in load("regions").terms if country in term.members), _NOWHERE)


def _entry(stored: Stored, counts: dict[str, int], language: Language) -> CityEntry:
    place = stored.record.place
    country = i18n.country(place.country, language) if place and place.country else ""
    href = record_path("city", stored.record.id, language)
    return CityEntry(related.title(stored, language), href, country, counts.get(stored.record.id, 0))


def _map_of(found: Sequence[Stored], language: Language) -> maps.Map:
    def several(group: Sequence[maps.Spot]) -> tuple[str, str]:
        near = SearchQuery(lang=language, type=["city"], near=maps.circle_around(group))
        return i18n.join([spot.label for spot in group], language), forms.address(near)

    return maps.draw(list(_spots(found, language)), several=several, fit=False)


def _spots(found: Sequence[Stored], language: Language) -> Iterator[maps.Spot]:
    for stored in found:
        if (place := stored.record.place) and place.coordinates:
            href = record_path("city", stored.record.id, language)
            yield maps.Spot(place.coordinates.lat, place.coordinates.lon, related.title(stored, language), href)


# Kinds of record


@router.get("/{lang:language}/{segment:segment}")
def kind_page(request: Request, session: SessionDep, engine: SearchDep, segment: str) -> HTMLResponse:
    """A kind of record: a search among them, ways to narrow them, and the newest ones."""
    kind, language = KIND_OF[segment], language_of(request)
    subjects = Subjects(session, engine, language)
    found = subjects.facets(type=[kind])
    return page(
        request,
        "subjects/kind.html",
        section=segment,
        kind=kind,
        name=i18n.gettext(KINDS[kind], language),
        intro=i18n.gettext(INTROS[kind], language),
        total=next((each.count for each in found.get("type", []) if each.id == kind), 0),
        groups=list(_groups(found, kind, language)),
        sort="title" if kind in _UNDATED else "newest",
        first=subjects.first(_SHOWN, sort="title" if kind in _UNDATED else "newest", type=[kind]),
    )


def _groups(
    found: dict[str, Any], kind: RecordType, language: Language
) -> Iterator[tuple[str, str, list[coverage.Row]]]:
    for name in _FACETS.get(kind, _OTHER_FACETS):
        if rows := coverage.rows(found.get(name, []), name, language, _ROWS, type=kind):
            yield name, i18n.gettext(facets.TITLES[name], language), rows
