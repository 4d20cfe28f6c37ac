"""One model per record type, told apart by ``type``; and the rules for publishing, as one table.

The shape is that of an import line: everything but ``type``, ``id``, ``language`` and ``title`` may be absent.
"""

import datetime
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from schemas import parts
from schemas.base import Model
from schemas.language import LANGUAGES, Language, Text, Translated
from schemas.tags import Gender, SdgTag
from schemas.vocabulary import term_of

RecordType = Literal[
    "case_study", "initiative", "expert", "organisation", "city", "event", "publication", "news", "award",
    "collection", "adoption",
]  # fmt: skip
RECORD_TYPES: Final[tuple[RecordType, ...]] = RecordType.__args__  # type: ignore[attr-defined]

Status = Literal["draft", "submitted", "in_review", "published", "withdrawn", "archived"]
Visibility = Literal["public", "members", "nobody"]

MAX_SUMMARY = 500


class RecordBase(Model):
    """What records of every type have."""

    type: RecordType
    id: parts.RecordId
    #: The language it was first written in.
    language: Language
    status: Status = "draft"
    title: Translated = Field(min_length=1)
    summary: Translated = {}
    body: Translated = {}
    topics: list[Annotated[str, term_of("topics")]] = []
    instruments: list[Annotated[str, term_of("instruments")]] = []
    sdgs: list[SdgTag] = []
    gender: Gender = Gender()
    place: parts.Place | None = None
    links: list[parts.Link] = []
    sources: list[parts.Source] = []
    media: list[parts.Media] = []
    website: parts.Url | None = None
    #: How each language other than the original was made. A language without a note was written by hand.
    translations: dict[Language, parts.TranslationNote] = {}
    last_verified: datetime.date | None = None
    next_review: datetime.date | None = None
    #: An invented record that shows how the product works; every page says so.
    demonstration: bool = False
    #: Who delivered it, and its address there: kept for partners' records.
    origin: Text | None = None
    licence: Text | None = None

    @model_validator(mode="after")
    def _has_its_own_language(self) -> Self:
        if self.language not in self.title:
            raise ValueError(f"title has no text in the record's own language, {self.language}")
        return self

    def references(self) -> Iterator[tuple[str, str]]:
        """Every (relation, record id) that this record points to."""
        yield from ((link.rel, link.to) for link in self.links)

    def languages(self) -> list[Language]:
        """The languages that this record's title exists in, in the product's order."""
        return [language for language in LANGUAGES if language in self.title]

    def unchecked(self) -> frozenset[Language]:
        """The languages that a machine translated it into and no person has accepted yet."""
        waiting = (language for language, note in self.translations.items() if not note.public)
        return frozenset(language for language in waiting if language != self.language)


class CaseStudy(RecordBase):
    """What a city did about a problem, what it cost, what came of it and what it takes to do it elsewhere."""

    type: Literal["case_study"] = "case_study"
    context: Translated = {}
    problem: Translated = {}
    objectives: Translated = {}
    solution: Translated = {}
    building_blocks: list[parts.BuildingBlock] = []
    actors: Translated = {}
    beneficiaries: Translated = {}
    participation: Translated = {}
    period: parts.Period | None = None
    stage: Annotated[str, term_of("stages")] | None = None
    costs: parts.Costs | None = None
    results: Translated = {}
    indicators: list[parts.Indicator] = []
    evidence_level: int | None = Field(default=None, ge=0, le=5)
    evidence_note: Translated = {}
    what_did_not_work: Translated = {}
    lessons: Translated = {}
    transfer: parts.TransferConditions = parts.TransferConditions()
    contact: parts.Contact | None = None


class Initiative(RecordBase):
    """A project or service that cities run together; ``pilot_project`` is one of its kinds."""

    type: Literal["initiative"] = "initiative"
    kind: Annotated[str, term_of("initiative_kinds")] = "initiative"
    acronym: Text | None = None
    objectives: Translated = {}
    phases: list[parts.Phase] = []
    period: parts.Period | None = None
    stage: Annotated[str, term_of("stages")] | None = None
    costs: parts.Costs | None = None
    results: Translated = {}
    lessons: Translated = {}
    contact: parts.Contact | None = None


class Consent(Model):
    """The expert's agreement to be listed, and which version of the text they agreed to."""

    date: datetime.date
    version: Text


class Expert(RecordBase):
    """A person who can be asked. ``title`` is the name. A field absent from ``visibility`` is public,
    but ``email`` and ``phone`` are for nobody unless it says otherwise, and never public. Beside fields it may name ``city``,
    the link to the expert's city, and ``proof``, all other links."""

    type: Literal["expert"] = "expert"
    position: Translated = {}
    organisation: Text | None = None
    languages_spoken: list[parts.Spoken] = []
    expertise: list[Annotated[str, term_of("topics", "instruments", "gender_themes")]] = []
    availability: Annotated[str, term_of("availability")] | None = None
    orcid: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")] | None = None
    email: Text | None = None
    phone: Text | None = None
    visibility: dict[str, Visibility] = {}
    consent: Consent | None = None
    confirmed_on: datetime.date | None = None


class Organisation(RecordBase):
    """A body that leads, funds or takes part."""

    type: Literal["organisation"] = "organisation"
    kind: Annotated[str, term_of("organisation_kinds")] | None = None
    acronym: Text | None = None


class City(RecordBase):
    """A city or metropolitan area. ``title`` is its name; ``place`` has country, coordinates, population."""

    type: Literal["city"] = "city"
    other_names: list[Text] = []
    population_year: parts.Year | None = None
    geonames_id: int | None = Field(default=None, ge=1)
    member_since: parts.Year | None = None
    womens_network_antenna: Translated = {}


class Event(RecordBase):
    """A webinar, training, congress or meeting. ``start`` and ``end`` are dates; times are in the programme."""

    type: Literal["event"] = "event"
    kind: Annotated[str, term_of("event_types")] | None = None
    start: parts.PartialDate | None = None
    end: parts.PartialDate | None = None
    timezone: parts.TimeZone | None = None
    venue: Translated = {}
    online_url: parts.Url | None = None
    languages_held: list[parts.Spoken] = []
    objectives: Translated = {}
    contents: list[Translated] = []
    programme: list[parts.ProgrammeItem] = []
    audience: Translated = {}
    registration: Translated = {}
    registration_url: parts.Url | None = None
    documents: list[parts.Source] = []
    funder: Translated = {}

    def references(self) -> Iterator[tuple[str, str]]:
        yield from super().references()
        yield from (("speaker", one.expert) for item in self.programme for one in item.speakers if one.expert)


class Publication(RecordBase):
    """An issue paper, report, guideline or declaration."""

    type: Literal["publication"] = "publication"
    kind: Annotated[str, term_of("publication_kinds")] | None = None
    authors: list[Text] = []
    date: parts.PartialDate | None = None
    publisher: Text | None = None
    series: Text | None = None
    isbn: Text | None = None
    doi: Text | None = None
    pages: int | None = Field(default=None, ge=1)
    published_in: list[parts.Spoken] = []


class News(RecordBase):
    """Something that happened, on a day."""

    type: Literal["news"] = "news"
    date: parts.PartialDate | None = None


class Award(RecordBase):
    """A prize for cities. Who won it is said by the winners' links, with the year in the note."""

    type: Literal["award"] = "award"
    organiser: Translated = {}
    since: parts.Year | None = None
    cycle: Translated = {}
    criteria: Translated = {}


class Collection(RecordBase):
    """A learning path: records in an order, each with a note on why."""

    type: Literal["collection"] = "collection"
    steps: list[parts.Step] = []
    audience: Translated = {}

    def references(self) -> Iterator[tuple[str, str]]:
        yield from super().references()
        yield from (("step", step.record) for step in self.steps)


class Adoption(RecordBase):
    """A transfer: a city took up another city's practice, and this became of it."""

    type: Literal["adoption"] = "adoption"
    case_study: parts.RecordId
    city: parts.RecordId
    state: Annotated[str, term_of("adoption_states")]
    period: parts.Period | None = None
    changes: Translated = {}
    outcome: Translated = {}
    contact: parts.Contact | None = None

    def references(self) -> Iterator[tuple[str, str]]:
        yield from super().references()
        yield "adopts", self.case_study
        yield "city", self.city


Record = Annotated[
    CaseStudy | Initiative | Expert | Organisation | City | Event | Publication | News | Award | Collection | Adoption,
    Field(discriminator="type"),
]
_ADAPTER: TypeAdapter[Record] = TypeAdapter(Record)


def parse(value: dict[str, Any]) -> Record:
    """A record from an import line's value. Raises pydantic.ValidationError with each field's path."""
    return _ADAPTER.validate_python(value)


def to_value(record: RecordBase) -> dict[str, Any]:
    """The import line's value of a record, without what is empty: ``parse(to_value(r)) == r``."""
    return record.model_dump(mode="json", exclude_defaults=True) | {
        "type": record.type,
        "status": record.status,
    }


#: What a published record must have, by type, beside title and language. The form, the import's
#: ``--strict-quality`` and the completeness bar all read this table. A dot goes into a part.
REQUIRED: Final[dict[RecordType, tuple[str, ...]]] = {
    "case_study": (
        "summary", "topics", "links.city|place", "problem|context", "solution", "period", "stage",
        "results", "evidence_level", "what_did_not_work", "lessons", "transfer.conditions", "contact", "sources",
    ),
    "initiative": ("summary", "kind", "topics", "links.lead|links.city|place"),
    "expert": ("summary", "position", "languages_spoken", "expertise", "consent", "confirmed_on"),
    "organisation": ("summary", "kind"),
    "city": ("place.country", "place.coordinates"),
    "event": ("summary", "kind", "start"),
    "publication": ("summary", "kind", "date", "authors|publisher"),
    "news": ("body|summary", "date"),
    "award": ("summary", "organiser"),
    "collection": ("summary", "steps"),
    "adoption": ("state", "sources"),
}  # fmt: skip

#: What makes a record better but does not keep it from being published.
WELCOME: Final[dict[RecordType, tuple[str, ...]]] = {
    "case_study": (
        "objectives", "building_blocks", "actors", "beneficiaries", "participation", "costs", "indicators",
        "transfer.core", "transfer.adaptable", "transfer.do_not_copy_if", "sdgs", "gender.marker", "last_verified",
    ),
    "initiative": ("objectives", "period", "phases", "links.partner", "results", "sdgs", "sources"),
    "expert": ("links.city", "links.case_study|links.publication|links.event", "availability", "website|orcid"),
    "organisation": ("website", "links.city|place"),
    "city": ("place.population", "geonames_id", "summary"),
    "event": ("programme", "audience", "languages_held", "timezone", "venue|online_url"),
    "publication": ("website|doi|isbn", "published_in", "topics"),
    "news": ("links",),
    "award": ("website", "since", "criteria"),
    "collection": ("audience",),
    "adoption": ("period", "changes", "outcome"),
}  # fmt: skip


def _has(record: RecordBase, path: str) -> bool:
    value: Any = record
    for name in path.split("."):
        if name in _RELATIONS and isinstance(value, list):
            return any(link.rel == name for link in value)
        value = getattr(value, name, None)
        if value is None:
            return False
    return value not in ({}, [], "")


_RELATIONS = frozenset(parts.Relation.__args__)  # type: ignore[attr-defined]


def missing(record: RecordBase, table: dict[RecordType, tuple[str, ...]] = REQUIRED) -> list[str]:
    """The table's entries that this record does not fill; ``a|b`` is filled by either."""
    entries = table[record.type]
    return [entry for entry in entries if not any(_has(record, path) for path in entry.split("|"))]


def completeness(record: RecordBase) -> float:
    """Share, 0 to 1, of what its type requires and welcomes that this record has."""
    kind = record.type
    whole = len(REQUIRED[kind]) + len(WELCOME[kind])
    return 1 - (len(missing(record)) + len(missing(record, WELCOME))) / whole
