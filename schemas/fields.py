"""The fields of the forms in which people write records: kind, label, help and example; those that several types share.

A form is data: the pages, the import's templates and the list of what is missing all read it.
"""

from dataclasses import dataclass
from typing import Final, Literal

from schemas.messages import N_
from schemas.records import RecordType

#: ``line``, ``lines``: text without a language, one or one a line. ``said``, ``area``: text of the draft's language, short or
#: long. ``share``: 0 to 1, written in per cent. ``partial``: a date as precise as it is known. ``choice``: a term of a
#: vocabulary; ``scale``: a number of one. ``terms``: several terms. ``tags``: terms that are tags. ``record``: another record's
#: id; ``city``: the one linked as the city. ``list``: parts that have fields of their own.
Kind = Literal[
    "line", "lines", "said", "area", "whole", "decimal", "share", "date", "partial", "time", "url", "email", "choice",
    "scale", "terms", "tags", "sdgs", "spoken", "spoken_one", "country", "currency", "timezone", "relation", "flag", "record",
    "city", "list", "media",
]  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field. ``name`` is its path within the record, or within the part that it is a field of; empty where each item of
    a list is a text itself."""

    name: str
    kind: Kind
    label: str
    help: str = ""
    example: str = ""
    vocabularies: tuple[str, ...] = ()
    #: Of which type the record is that is chosen.
    type: RecordType | None = None
    #: The fields of each item of a list, and what one item is called.
    fields: tuple["Field", ...] = ()
    item: str = ""
    #: Characters that may be published.
    most: int | None = None
    rows: int = 6


@dataclass(frozen=True)
class Step:
    """A page of a form."""

    name: str
    title: str
    fields: tuple[Field, ...]


# What a record is

SUMMARY: Final = Field(
    "summary", "area", N_("Summary"),
    N_("What it is and what came of it, in at most 500 characters. It is what people read in the search results."),
    N_("Since 2004 cable cars link the hillside districts to the metro. The way to work became 40 minutes shorter."),
    most=500, rows=4,
)  # fmt: skip
BODY: Final = Field(
    "body", "area", N_("Text"),
    N_("All that the other fields have no place for. Leave an empty line between paragraphs."), rows=12,
)  # fmt: skip
WEBSITE: Final = Field("website", "url", N_("Website"), N_("Its own page, if it has one."), "https://www.example.org")


def title(help: str, example: str, label: str = N_("Title")) -> Field:
    """What it is called."""
    return Field("title", "said", label, help, example)


TOPICS: Final = Field(
    "topics", "terms", N_("Topics"), N_("Choose those that it is really about; three are often enough."),
    vocabularies=("topics",),
)  # fmt: skip
INSTRUMENTS: Final = Field(
    "instruments", "terms", N_("Instruments"), N_("By what means the city acted: a rule, a tax, a service, a building."),
    vocabularies=("instruments",),
)  # fmt: skip
SDGS: Final = Field(
    "sdgs", "sdgs", N_("Sustainable Development Goals"),
    N_("The main goal first, best with its target; up to three others below. Quote the sentence that shows it."),
)  # fmt: skip
GENDER: Final = (
    Field("gender.themes", "tags", N_("Gender themes"), N_("Only those that the text speaks about."),
          vocabularies=("gender_themes",)),
    Field("gender.marker", "scale", N_("Gender equality marker"),
          N_("2: equality was the main reason. 1: it was an objective of its own, beside others. 0: you checked, and it was "
             "none. Leave it open if nobody has checked."),
          vocabularies=("gender_markers",)),
)  # fmt: skip

# Where, when, how much

COUNTRY: Final = Field("place.country", "country", N_("Country"))
LATITUDE: Final = Field(
    "place.coordinates.lat", "decimal", N_("Latitude"), N_("In degrees; south of the equator it is negative."), "6.2518"
)
LONGITUDE: Final = Field(
    "place.coordinates.lon", "decimal", N_("Longitude"), N_("In degrees; west of Greenwich it is negative."), "-75.5636"
)
POPULATION: Final = Field("place.population", "whole", N_("Inhabitants"), N_("The number only."), "2529403")
LEVEL: Final = Field(
    "place.level", "choice", N_("Level of government"), N_("Who decided and was responsible."),
    vocabularies=("government_levels",),
)  # fmt: skip
CITY: Final = Field(
    "links.city", "city", N_("City"),
    N_("Type the beginning of its name and choose it. If it is not found, describe the place below."), type="city",
)  # fmt: skip
PLACE: Final = (
    CITY,
    Field("place.name", "line", N_("Name of the place"), N_("Only where the city is not found above, or for a part of it."),
          N_("Metropolitan area of the Aburrá Valley")),
    COUNTRY, LATITUDE, LONGITUDE, POPULATION, LEVEL,
)  # fmt: skip
PERIOD: Final = (
    Field("period.start", "partial", N_("Start"), N_("As precisely as you know it: year, month or day."), "2004-07"),
    Field("period.end", "partial", N_("End"), N_("Leave it empty while it goes on."), "2019"),
    Field("period.ongoing", "flag", N_("It still goes on")),
)  # fmt: skip
STAGE: Final = Field("stage", "choice", N_("Stage"), N_("How far it has come today."), vocabularies=("stages",))
FUNDING: Final = Field(
    "costs.funding", "list", N_("Who paid"), N_("Each source by itself."), item=N_("Source of funding"),
    fields=(
        Field("source", "said", N_("Who"), N_("The body that gave the money."), N_("National Ministry of Transport")),
        Field("kind", "choice", N_("Kind of funding"), vocabularies=("funding_kinds",)),
        Field("share", "share", N_("Share of the whole, in per cent"), N_("A number from 0 to 100."), "45"),
    ),
)  # fmt: skip
COSTS: Final = (
    Field("costs.amount", "decimal", N_("Amount"),
          N_("The whole cost as a number. If you know only the order of magnitude, choose it below."), "26000000"),
    Field("costs.currency", "currency", N_("Currency"), N_("Its code of three letters."), "COP"),
    Field("costs.year", "whole", N_("Year of the prices"), "", "2004"),
    Field("costs.band", "choice", N_("Order of magnitude"), vocabularies=("cost_bands",)),
    Field("costs.covers", "area", N_("What it covers"), N_("What is in the amount and what is not: building, running, staff."),
          N_("Stations and cabins of the first line; not the social programme around them."), rows=3),
    Field("costs.staff", "decimal", N_("Staff"), N_("People working on it full time; two on half time are one."), "4.5"),
    Field("costs.source", "line", N_("Source of the figures"), "", N_("Annual report 2005, page 31")),
    FUNDING,
)  # fmt: skip

# Who, from where

CONTACT: Final = (
    Field("contact.name", "line", N_("Name of the contact"), N_("The person who knows it best and agreed to be named."),
          "María Restrepo"),
    Field("contact.role", "said", N_("Position"), "", N_("Head of mobility")),
    Field("contact.organisation", "line", N_("Organisation"), "", "Metro de Medellín"),
    Field("contact.url", "url", N_("Page of the contact"), "", "https://www.example.org/mobility"),
    Field("contact.email", "email", N_("E-mail"), N_("It is never shown: people write through this site."),
          "maria@example.org"),
    Field("contact.phone", "line", N_("Telephone"), N_("It is never shown in public."), "+57 604 123 4567"),
)  # fmt: skip


def sources(
    name: str = "sources", label: str = N_("Sources"), help: str = N_("Where others can check what you say.")
) -> Field:
    """Reports, pages and articles."""
    return Field(
        name, "list", label, help, item=N_("Source"),
        fields=(
            Field("title", "line", N_("Title"), "", N_("Evaluation of the first cable line")),
            Field("publisher", "line", N_("Publisher"), "", "Universidad de los Andes"),
            Field("year", "whole", N_("Year"), "", "2012"),
            Field("url", "url", N_("Web address"), "", "https://www.example.org/report.pdf"),
            Field("language", "spoken_one", N_("Language")),
        ),
    )  # fmt: skip


SOURCES: Final = sources()
LINKS: Final = Field(
    "links", "list", N_("Linked records"), N_("Partners, experts, events or publications that are on this site."),
    item=N_("Linked record"),
    fields=(
        Field("rel", "relation", N_("What it is to this record")),
        Field("to", "record", N_("Record"), N_("Type a part of its name and choose it.")),
        Field("note", "said", N_("Note"), "", N_("Winner in 2016")),
    ),
)  # fmt: skip
MEDIA: Final = Field(
    "media", "media", N_("Images and files"),
    N_("Images as JPEG, PNG or WebP, documents as PDF. Say what is to be seen, for those who do not see it."),
    fields=(
        Field("alt", "said", N_("What is to be seen"),
              N_("For those who do not see it; what matters, in one sentence."),
              N_("A gondola above brick houses on a steep hill")),
        Field("credit", "line", N_("Credit"), N_("Who took or made it."), "María Restrepo"),
        Field("licence", "line", N_("Licence"), N_("On what terms others may use it."), "CC BY 4.0"),
    ),
)  # fmt: skip
VERIFIED: Final = Field(
    "last_verified", "date", N_("Last checked on"), N_("The day on which somebody last checked that all this is so."),
    "2026-04-30",
)  # fmt: skip
CLOSING: Final = (SOURCES, LINKS, MEDIA)


def objectives(example: str) -> Field:
    """What it was to achieve."""
    return Field("objectives", "area", N_("Objectives"), N_("What it was to achieve, and by when."), example, rows=4)


RESULTS: Final = Field(
    "results", "area", N_("Results"), N_("What changed, for whom, and how you know it. Figures go into the indicators."),
    N_("Travel times fell, and the schools along the line have more pupils."),
)  # fmt: skip
LESSONS: Final = Field(
    "lessons", "area", N_("Lessons"), N_("What you would do the same way again, and what you would do differently."),
    N_("Speak with the traders before the work begins, not after."),
)  # fmt: skip


def languages(name: str, label: str) -> Field:
    """Languages that people speak."""
    return Field(name, "spoken", label)


def texts(name: str, label: str, help: str, example: str, item: str) -> Field:
    """A list whose items are each a text of the draft's language."""
    return Field(name, "list", label, help, item=item, fields=(Field("", "said", item, "", example),))
