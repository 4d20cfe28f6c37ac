"""What the tags of a set of records cover, as tables for the desk and for everybody: each figure leads to the records it counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from kb.records import overview
from kb.tagging import analysis
from kb.tagging.analysis import By, Group, Line, Scope, Share, What
from kb.tagging.cases import TAGGED
from schemas.base import Model
from schemas.language import AUTONYMS, LANGUAGES, Language
from schemas.records import RecordType
from schemas.vocabulary import Term, load
from search_ui import i18n
from search_ui.i18n import N_
from search_ui.inputs import read, typed
from search_ui.render import KINDS

WHATS: Final[dict[What, str]] = {
    "sdg": N_("Goals"),
    "target": N_("Targets of a goal"),
    "gender_theme": N_("Gender themes"),
    "gender_marker": N_("Gender marker"),
}
BYS: Final[dict[By, str]] = {
    "region": N_("Region"),
    "country": N_("Country"),
    "city": N_("City"),
    "year": N_("Year"),
    "type": N_("Kind of record"),
    "language": N_("Language"),
}
#: Whose targets are shown where no goal was chosen: that of cities.
_GOAL: Final = "11"
#: Rows of the second table.
_GROUPS: Final = 30
#: Facets whose values lie within each other: a search for the narrower one finds what both would.
_NESTED: Final = frozenset({"region", "year", "city", "type"})


class Asked(Model):
    """What of the coverage. What is empty does not matter."""

    what: What = "sdg"
    by: By = "region"
    goal: str = Field(default="", max_length=5)
    type: RecordType | None = None
    region: str = Field(default="", max_length=60)
    country: str = Field(default="", max_length=2)
    language: Language | None = None
    year_from: int | None = Field(default=None, ge=1000, le=9999)
    year_to: int | None = Field(default=None, ge=1000, le=9999)

    def scope(self) -> Scope:
        """The records that are looked at beside the whole."""
        return Scope(self.region, self.country, self.language or "", self.year_from, self.year_to)


@dataclass(frozen=True)
class Row:
    """One goal, target, theme or value of the marker."""

    code: str
    label: str
    href: str
    share: Share


@dataclass(frozen=True)
class Cell:
    """A figure of the second table; ``href`` is empty where no search finds just these."""

    code: str
    label: str
    href: str
    share: Share


@dataclass(frozen=True)
class Across:
    """A row of the second table."""

    label: str
    total: int
    cells: list[Cell]


def values(
    request: Request, session: Session, language: Language, kinds: Sequence[RecordType] = TAGGED
) -> dict[str, Any]:
    """All that the templates need. ``kinds`` are those that are counted where none is chosen."""
    given = FormData(
        [(name, value) for name, value in request.query_params.multi_items() if name in Asked.model_fields]
    )
    asked, problems = read(given, Asked, language)
    return _Tables(session, language, asked or Asked(), kinds).values() | {
        "problems": problems,
        "values": {"what": "sdg", "by": "region", "goal": _GOAL} | typed(given, Asked),
    }


class _Tables:
    """The tables for one question."""

    def __init__(self, session: Session, language: Language, asked: Asked, kinds: Sequence[RecordType]) -> None:
        self.session, self.language, self.asked = session, language, asked
        self.types: list[str] = [asked.type] if asked.type else list(kinds)
        self.every = analysis.lines(session, TAGGED)
        self.whole = [line for line in self.every if line.of("type")[0] in self.types]
        scope = asked.scope()
        self.is_part = bool(scope.filters())
        self.part = [line for line in self.whole if scope.holds(line)]
        self.terms = self._terms()

    def values(self) -> dict[str, Any]:
        codes = [term.id for term in self.terms]
        shares = analysis.shares(self.part, self.whole, self.asked.what, codes)
        found = analysis.groups(self.part, self.whole, self.asked.what, codes, self.asked.by)
        missing = analysis.missing_targets(self.whole)
        return {
            "asked": self.asked,
            "is_part": self.is_part,
            "part": len(self.part),
            "whole": len(self.whole),
            "rows": [self._row(term, shares[term.id]) for term in self.terms],
            "terms": self.terms,
            "groups": self._across(found),
            "more_groups": max(0, len(found) - _GROUPS),
            "by_name": i18n.gettext(BYS[self.asked.by], self.language),
            "missing": missing,
            "missing_count": sum(map(len, missing.values())),
            "options": self._options(),
            "few": analysis.FEW,
        }

    def _terms(self) -> list[Term]:
        sdgs = load("sdgs")
        match self.asked.what:
            case "sdg":
                return list(sdgs.top())
            case "target":
                is_goal = any(term.id == self.asked.goal for term in sdgs.top())
                return list(sdgs.narrower(self.asked.goal if is_goal else _GOAL))
            case "gender_theme":
                return list(load("gender_themes").terms)
            case "gender_marker":
                return list(load("gender_markers").terms)

    def _row(self, term: Term, share: Share) -> Row:
        return Row(term.id, term.label[self.language], self._search(term.id), share)

    def _search(self, code: str, **more: Any) -> str:
        filters = {"type": self.types} | self.asked.scope().filters() | {self.asked.what: code} | more
        return f"/{self.language}/search?{urlencode(filters, doseq=True)}"

    def _across(self, found: list[Group]) -> list[Across]:
        shown = sorted(found, key=lambda group: group.value, reverse=True) if self.asked.by == "year" else found
        shown = shown[:_GROUPS]
        labels = self._labels([group.value for group in shown])
        return [Across(labels[group.value], group.total, list(self._cells(group))) for group in shown]

    def _cells(self, group: Group) -> list[Cell]:
        by, value = self.asked.by, group.value
        where: dict[str, str] = {"year_from": value, "year_to": value} if by == "year" else {by: value}
        is_findable = by in _NESTED or by not in self.asked.scope().filters()
        return [
            Cell(
                term.id, term.label[self.language], self._search(term.id, **where) if is_findable else "",
                group.shares[term.id],
            )
            for term in self.terms
        ]  # fmt: skip

    def _labels(self, found: Sequence[str]) -> dict[str, str]:
        match self.asked.by:
            case "city":
                cities = overview.by_id(self.session, found, self.language)
                return {value: cities[value].title.text if value in cities else value for value in found}
            case "country":
                return {value: i18n.country(value, self.language) for value in found}
            case "language":
                return {value: AUTONYMS[value] for value in found}  # type: ignore[index]
            case "region":
                return {value: load("regions").label_of(value, self.language) for value in found}
            case "type":
                return {value: i18n.gettext(KINDS[value], self.language) for value in found}  # type: ignore[index]
            case "year":
                return {value: value for value in found}

    def _options(self) -> dict[str, list[tuple[str, str]]]:
        occurring = _occurring(self.every)
        countries = [(code, i18n.country(code, self.language)) for code in occurring["country"]]
        sdgs, regions = load("sdgs"), load("regions").terms
        return {
            "what": [(name, i18n.gettext(text, self.language)) for name, text in WHATS.items()],
            "by": [(name, i18n.gettext(text, self.language)) for name, text in BYS.items()],
            "goal": [(term.id, f"{term.id} {term.label[self.language]}") for term in sdgs.top()],
            "type": [(name, i18n.gettext(KINDS[name], self.language)) for name in TAGGED if name in occurring["type"]],
            "region": [(term.id, term.label[self.language]) for term in regions if term.id in occurring["region"]],
            "country": sorted(countries, key=lambda pair: pair[1]),
            "language": [(name, AUTONYMS[name]) for name in LANGUAGES],
        }


def _occurring(every: Sequence[Line]) -> dict[str, set[str]]:
    return {name: {value for line in every for value in line.of(name)} for name in ("type", "region", "country")}
