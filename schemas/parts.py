"""The parts that records are made of: places, periods, money, indicators, links, sources."""

import datetime
import re
from functools import cache
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, HttpUrl, StringConstraints, model_validator

from schemas.base import Model
from schemas.language import Text, Translated, without_controls
from schemas.vocabulary import load, term_of

RecordId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:~-]*$", min_length=1, max_length=200)]


def _url(text: str) -> str:
    HttpUrl(without_controls(text))
    return text


Url = Annotated[str, AfterValidator(_url)]

_UPLOAD = re.compile(r"/uploads/[0-9a-f]{32}")


def _media_url(text: str) -> str:
    return text if _UPLOAD.fullmatch(text) else _url(text)


#: A web address, or the path of a file that was uploaded here: the site's own address may change.
MediaUrl = Annotated[str, AfterValidator(_media_url)]
Year = Annotated[int, Field(ge=1800, le=2100)]

_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")


def _partial_date(text: str) -> str:
    match = _DATE.match(text)
    if not match:
        raise ValueError(f"'{text}' is not a date; write 2019, 2019-04 or 2019-04-30")
    year, month, day = (int(part) if part else 1 for part in match.groups())
    datetime.date(year, month, day)
    return text


#: A date as precise as it is known: ``2019``, ``2019-04`` or ``2019-04-30``.
PartialDate = Annotated[str, AfterValidator(_partial_date)]


def _country(code: str) -> str:
    if not any(code in region.members for region in load("regions").terms):
        raise ValueError(f"'{code}' is not a country; write its ISO 3166-1 code of two capital letters, as CO or FR")
    return code


#: ISO 3166-1 alpha-2, checked against the regions vocabulary.
Country = Annotated[str, AfterValidator(_country)]

#: ISO 639-1 code of a language that a person speaks or an event is held in; not limited to the three.
Spoken = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


@cache
def _time_zones() -> set[str]:
    return available_timezones()


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError(f"'{name}' is not a time zone; write it as Europe/Madrid")
    return name


TimeZone = Annotated[str, AfterValidator(_time_zone)]


class Coordinates(Model):
    """WGS 84, in degrees."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)


class Place(Model):
    """Where something is, when the city itself has no record here; else a link of relation ``city`` says it."""

    name: Text | None = None
    country: Country | None = None
    coordinates: Coordinates | None = None
    population: int | None = Field(default=None, ge=0)
    level: Annotated[str, term_of("government_levels")] | None = None


class Period(Model):
    """When it started and ended. ``ongoing`` says that it has not ended."""

    start: PartialDate | None = None
    end: PartialDate | None = None
    ongoing: bool = False

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.start and self.end and self.end[: len(self.start)] < self.start[: len(self.end)]:
            raise ValueError(f"ends ({self.end}) before it starts ({self.start})")
        return self


class BuildingBlock(Model):
    """One part of a solution that another city can take by itself."""

    title: Translated
    text: Translated
    enabling_factors: Translated = {}
    lessons: Translated = {}


class Funding(Model):
    """Who paid, how, and how much of it (share of the whole, 0 to 1)."""

    source: Translated
    kind: Annotated[str, term_of("funding_kinds")] | None = None
    share: float | None = Field(default=None, ge=0, le=1)


class Costs(Model):
    """What it cost. ``band`` alone where only the order of magnitude is known."""

    amount: float | None = Field(default=None, ge=0)
    currency: Currency | None = None
    year: Year | None = None
    band: Annotated[str, term_of("cost_bands")] | None = None
    covers: Translated = {}
    staff: float | None = Field(default=None, ge=0)
    source: Text | None = None
    funding: list[Funding] = []

    @model_validator(mode="after")
    def _amount_has_a_currency(self) -> Self:
        if self.amount is not None and self.currency is None:
            raise ValueError("an amount needs its currency, as EUR or COP")
        return self


class Indicator(Model):
    """A measured result. Values are text as the source gives them: "36 %", "from 45 to 20 minutes"."""

    name: Translated
    value: Text
    year: Year | None = None
    baseline: Text | None = None
    baseline_year: Year | None = None
    source: Text | None = None


class TransferConditions(Model):
    """What another city needs to know before it copies."""

    conditions: Translated = {}
    core: list[Translated] = []
    adaptable: list[Translated] = []
    do_not_copy_if: Translated = {}
    time: Translated = {}


class Contact(Model):
    """Whom to call. ``email`` and ``phone`` are never shown in public or exported without permission."""

    name: Text | None = None
    role: Translated = {}
    organisation: Text | None = None
    url: Url | None = None
    email: Text | None = None
    phone: Text | None = None


class Source(Model):
    """Where a fact comes from."""

    title: Text
    publisher: Text | None = None
    year: Year | None = None
    url: Url | None = None
    language: Spoken | None = None


class Media(Model):
    """An image, film or file beside the record. Images need a text for those who do not see them."""

    kind: Literal["image", "video", "document"]
    url: MediaUrl
    alt: Translated = {}
    credit: Text | None = None
    licence: Text | None = None

    @model_validator(mode="after")
    def _image_has_alt(self) -> Self:
        if self.kind == "image" and not self.alt:
            raise ValueError("an image needs alt text")
        return self


class TranslationNote(Model):
    """How a translation was made: from which revision of the original, by whom (an account's id, or a name that an import
    gave), by machine or not; and when a person read and corrected what a machine made."""

    revision: int = Field(default=1, ge=1)
    machine: bool = False
    translator: Text | None = None
    date: datetime.date | None = None
    checked: datetime.date | None = None

    @property
    def public(self) -> bool:
        """Whether readers and search see it: no machine's translation is public before a person accepted it."""
        return not self.machine or self.checked is not None


Relation = Literal[
    "city", "lead", "partner", "expert", "author", "speaker", "organisation",
    "case_study", "initiative", "award", "event", "publication", "news", "related",
]  # fmt: skip


class Link(Model):
    """From this record to another: ``rel`` says what the other one is to this one."""

    rel: Relation
    to: RecordId
    note: Translated = {}


class ProgrammeItem(Model):
    """One item of an event's programme; ``start`` is local time, as 15:30."""

    title: Translated
    start: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    minutes: int | None = Field(default=None, ge=0)
    speakers: list["Speaker"] = []
    text: Translated = {}


class Speaker(Model):
    """Somebody who speaks at an event, with or without a profile here."""

    name: Text
    position: Translated = {}
    organisation: Text | None = None
    expert: RecordId | None = None


class Phase(Model):
    """A step of an initiative."""

    title: Translated
    text: Translated = {}
    period: Period | None = None


class Step(Model):
    """An item of a collection, with a note on why to read it here."""

    record: RecordId
    note: Translated = {}
