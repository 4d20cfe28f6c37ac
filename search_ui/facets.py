"""Facets as the page shows them: groups of options in a useful order, and the chosen ones as removable links."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from schemas.language import Language
from schemas.search import FACETS, FacetCount, SearchQuery, SearchResults
from schemas.vocabulary import Vocabulary, load
from search_ui import forms, i18n
from search_ui.i18n import N_

TITLES: Final[dict[str, str]] = {
    "type": N_("Kind of record"),
    "topic": N_("Topic"),
    "sdg": N_("Sustainable Development Goal"),
    "target": N_("SDG target"),
    "gender_theme": N_("Gender theme"),
    "gender_marker": N_("Gender marker"),
    "instrument": N_("Instrument"),
    "region": N_("Region"),
    "country": N_("Country"),
    "city": N_("City"),
    "city_size": N_("City size"),
    "stage": N_("Stage"),
    "cost_band": N_("Cost"),
    "evidence_level": N_("Evidence"),
    "language": N_("Language"),
}

_VOCABULARIES: Final = {facet.name: facet.vocabulary for facet in FACETS}
#: These are scales: their order says something, so it is kept, and none of their values is hidden.
_SCALES: Final = frozenset({"gender_marker", "city_size", "stage", "cost_band", "evidence_level", "sdg"})
_OPEN: Final = frozenset({"type", "topic"})
_FIRST: Final = 8


@dataclass(frozen=True)
class Option:
    """One value to tick. ``depth`` is 1 for a term below another one."""

    id: str
    label: str
    #: None while nobody can count: the index is away.
    count: int | None
    selected: bool
    depth: int = 0


@dataclass(frozen=True)
class Group:
    """One facet: ``first`` is shown at once, ``rest`` behind a "more"."""

    name: str
    title: str
    first: list[Option]
    rest: list[Option]

    @property
    def selected(self) -> int:
        """How many values are chosen."""
        return sum(option.selected for option in [*self.first, *self.rest])

    @property
    def open(self) -> bool:
        """Whether it is unfolded when the page comes."""
        return self.name in _OPEN or self.selected > 0


@dataclass(frozen=True)
class Applied:
    """A chosen filter and the address without it."""

    title: str
    label: str
    href: str


def groups(results: SearchResults) -> list[Group]:
    """The facets that have anything to choose, in the product's order."""
    made = (_group(facet.name, results) for facet in FACETS if results.facets.get(facet.name))
    return [_uncounted(group) if results.notice == "index-away" else group for group in made if group.first]


def _uncounted(group: Group) -> Group:
    """What is chosen, without a zero beside it: the database finds, but does not count by value."""
    first, rest = ([replace(option, count=None) for option in options] for options in (group.first, group.rest))
    return replace(group, first=first, rest=rest)


def _group(name: str, results: SearchResults) -> Group:
    language = results.query.lang
    counts = [count for count in results.facets[name] if count.count or count.selected]
    if name == "target":
        counts = _targets_of_chosen_goals(counts, results.query)
    title = i18n.gettext(TITLES[name], language)
    vocabulary = load(found) if (found := _VOCABULARIES[name]) else None
    if vocabulary and name in _SCALES:
        return Group(name, title, [_option(count) for count in _in_order(counts, vocabulary)], [])
    options = _tree(counts, vocabulary) if vocabulary else [_option(count) for count in _most_first(counts)]
    first = options[:_FIRST] + [option for option in options[_FIRST:] if option.selected]
    return Group(name, title, first, [option for option in options[_FIRST:] if not option.selected])


def _targets_of_chosen_goals(counts: list[FacetCount], query: SearchQuery) -> list[FacetCount]:
    """All 169 targets at once help nobody: those of the chosen goals, and what is chosen itself."""
    return [count for count in counts if count.selected or count.id.split(".")[0] in query.sdg]


def _option(count: FacetCount, depth: int = 0) -> Option:
    return Option(count.id, count.label, count.count, count.selected, depth)


def _in_order(counts: list[FacetCount], vocabulary: Vocabulary) -> list[FacetCount]:
    place = {term.id: index for index, term in enumerate(vocabulary.terms)}
    return sorted(counts, key=lambda count: place.get(count.id, len(place)))


def _most_first(counts: Iterable[FacetCount]) -> list[FacetCount]:
    return sorted(counts, key=lambda count: (-count.selected, -count.count, count.label))


def _tree(counts: list[FacetCount], vocabulary: Vocabulary) -> list[Option]:
    """Top terms by count; below one that is chosen, or has something chosen below it, the narrower terms."""
    above = {count.id: _broader(count.id, vocabulary) for count in counts}
    options = []
    for top in _most_first(count for count in counts if above[count.id] not in above):
        below = [count for count in counts if above[count.id] == top.id]
        options.append(_option(top))
        if top.selected or any(count.selected for count in below):
            options += [_option(count, depth=1) for count in _most_first(below)]
    return options


def _broader(term_id: str, vocabulary: Vocabulary) -> str | None:
    term = vocabulary.get(term_id)
    return term.broader if term else None


def label(name: str, value: str, language: Language, results: SearchResults | None = None) -> str:
    """What a facet's value is called. City names come from the results, where there are some."""
    if vocabulary := _VOCABULARIES[name]:
        return load(vocabulary).label_of(value, language)
    if name == "country":
        return i18n.country(value, language)
    counts = results.facets.get(name, []) if results else []
    return next((count.label for count in counts if count.id == value), value)


def applied(query: SearchQuery, results: SearchResults) -> list[Applied]:
    """Every filter that is on, each with the address that takes it away."""
    language = query.lang
    found = [
        Applied(
            i18n.gettext(TITLES[name], language),
            label(name, value, language, results),
            forms.without(query, name, value),
        )
        for name, values in query.chosen().items()
        for value in values
    ]
    return found + _applied_years(query) + _applied_circle(query)


def _applied_years(query: SearchQuery) -> list[Applied]:
    titles = {
        "year_from": i18n.gettext(N_("From year"), query.lang),
        "year_to": i18n.gettext(N_("To year"), query.lang),
    }
    return [
        Applied(title, str(value), forms.address(query, **{name: None}))
        for name, title in titles.items()
        if (value := getattr(query, name)) is not None
    ]


def _applied_circle(query: SearchQuery) -> list[Applied]:
    if query.near is None:
        return []
    text = i18n.gettext(N_("within %(km)s km of %(lat)s, %(lon)s"), query.lang) % {
        "km": i18n.number(query.near.km, query.lang),
        "lat": i18n.number(round(query.near.lat, 2), query.lang),
        "lon": i18n.number(round(query.near.lon, 2), query.lang),
    }
    return [Applied(i18n.gettext(N_("Area"), query.lang), text, forms.address(query, near=None))]


def understood(results: SearchResults) -> list[tuple[str, str]]:
    """(label, address) for each term that the question names and that is not a filter yet: one step narrows to it."""
    found = []
    for name_and_id, text in results.understood:
        vocabulary, _, value = name_and_id.partition(":")
        name = _facet_of(vocabulary, value)
        if name and value not in getattr(results.query, name):
            chosen = [*getattr(results.query, name), value]
            found.append((text, forms.address(results.query, **{name: chosen})))
    return found


def _facet_of(vocabulary: str, value: str) -> str | None:
    """The facet of a term's vocabulary; a facet's own name is taken as well (countries have no vocabulary)."""
    if vocabulary == "sdgs":
        return "target" if "." in value else "sdg"
    return next((name for name, found in _VOCABULARIES.items() if vocabulary in (name, found)), None)
