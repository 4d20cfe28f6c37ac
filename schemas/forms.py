"""The form of each record type: steps with their fields."""

from collections.abc import Iterator
from typing import Final

from schemas import fields as f
from schemas.fields import Field, Step
from schemas.messages import N_
from schemas.records import RecordType

_ABOUT: Final = Step("about", N_("What it is about"), (f.TOPICS, f.INSTRUMENTS, f.SDGS, *f.GENDER))
_CLOSING: Final = Step("sources", N_("Sources and links"), f.CLOSING)
_FILES: Final = Step("links", N_("Links and files"), (f.LINKS, f.MEDIA))

_CASE: Final = (
    Step("basics", N_("In short"), (
        f.title(N_("What was done and where, so that one understands it without the text."),
                N_("Cable cars to the hillside districts of Medellín")),
        f.SUMMARY, f.WEBSITE,
    )),
    Step("place", N_("Where"), f.PLACE),
    _ABOUT,
    Step("problem", N_("The problem"), (
        Field("problem", "area", N_("The problem"), N_("What was wrong, for whom, and since when."),
              N_("People on the hillsides needed two hours to get to work; no bus could climb the streets.")),
        Field("context", "area", N_("Context"), N_("What one must know of the city, its laws and its time."),
              N_("The metro opened in 1995 and did not reach the poorest districts.")),
        f.objectives(N_("Halve the travel time of 150,000 people by 2010.")),
    )),
    Step("solution", N_("The solution"), (
        Field("solution", "area", N_("The solution"), N_("What was done, step by step, so that others can picture it."),
              N_("A line of 2 km with three stations, run by the metro and paid with the same ticket."), rows=10),
        Field("building_blocks", "list", N_("Building blocks"),
              N_("Parts that another city could take by themselves."), item=N_("Building block"), fields=(
                  Field("title", "said", N_("Title"), "", N_("One ticket for metro, bus and cable")),
                  Field("text", "area", N_("What it is"), "", N_("Changing costs nothing within 90 minutes."), rows=4),
                  Field("enabling_factors", "area", N_("What made it possible"), "",
                        N_("One public company runs all three."), rows=3),
                  Field("lessons", "area", N_("Lessons"), "", N_("Test the readers in the rain first."), rows=3),
              )),
        f.BODY,
    )),
    Step("people", N_("Who took part"), (
        Field("actors", "area", N_("Actors"), N_("Who led, who helped, who decided."),
              N_("The mayor’s office led; the metro company built and runs it."), rows=4),
        Field("beneficiaries", "area", N_("Who benefits"), N_("Which people, and how many."),
              N_("170,000 residents of the districts 1 and 2."), rows=4),
        Field("participation", "area", N_("Participation"), N_("How those concerned had a say."),
              N_("Forty assemblies chose where the stations stand."), rows=4),
    )),
    Step("costs", N_("Time and money"), (*f.PERIOD, f.STAGE, *f.COSTS)),
    Step("results", N_("Results"), (
        f.RESULTS,
        Field("indicators", "list", N_("Indicators"), N_("Each figure with its year and where it is from."),
              item=N_("Indicator"), fields=(
                  Field("name", "said", N_("What was measured"), "", N_("Travel time to the centre")),
                  Field("value", "line", N_("Value"), N_("As the source writes it, with its unit."), "32 min"),
                  Field("year", "whole", N_("Year"), "", "2012"),
                  Field("baseline", "line", N_("Value before"), "", "72 min"),
                  Field("baseline_year", "whole", N_("Year of the value before"), "", "2003"),
                  Field("source", "line", N_("Source"), "", N_("Household survey 2012")),
              )),
        Field("evidence_level", "scale", N_("Evidence"), N_("How well the results are shown. A low level is no shame."),
              vocabularies=("evidence_levels",)),
        Field("evidence_note", "area", N_("About the evidence"), "",
              N_("Compared with two districts without a cable line."), rows=3),
        Field("what_did_not_work", "area", N_("What did not work"),
              N_("It is what other cities ask for most. Everybody has something to say here."),
              N_("The escalators beside the line stood still for a year: nobody had planned their upkeep.")),
        f.LESSONS,
    )),
    Step("transfer", N_("For other cities"), (
        Field("transfer.conditions", "area", N_("It takes"), N_("Without what it cannot work elsewhere."),
              N_("A metro line nearby, steep slopes, and one body that may set the fares.")),
        f.texts("transfer.core", N_("Keep this"), N_("What must stay as it is."),
                N_("The same fare as on the metro"), N_("Part to keep")),
        f.texts("transfer.adaptable", N_("Adapt this"), N_("What can be done in another way."),
                N_("The number of stations"), N_("Part to adapt")),
        Field("transfer.do_not_copy_if", "area", N_("Do not copy it if"), "",
              N_("Fewer than 10,000 people live within reach."), rows=3),
        Field("transfer.time", "said", N_("Time"), N_("From the decision to the first result."), N_("Three years")),
    )),
    Step("sources", N_("Contact and sources"), (*f.CONTACT, *f.CLOSING, f.VERIFIED)),
)  # fmt: skip

_INITIATIVE: Final = (
    Step("basics", N_("In short"), (
        f.title(N_("Its official name."), N_("Women’s safety in metropolitan transport")),
        f.SUMMARY,
        Field("kind", "choice", N_("Kind"), vocabularies=("initiative_kinds",)),
        Field("acronym", "line", N_("Acronym"), "", "WSMT"),
        f.WEBSITE,
    )),
    Step("place", N_("Where"), f.PLACE),
    _ABOUT,
    Step("work", N_("What is done"), (
        f.objectives(N_("Six cities test measures and publish what they learned.")),
        f.BODY,
        Field("phases", "list", N_("Phases"), N_("In their order."), item=N_("Phase"), fields=(
            Field("title", "said", N_("Title"), "", N_("Diagnosis")),
            Field("text", "area", N_("What happens in it"), "", N_("Each city walks its lines with women who use them."), rows=3),
            Field("period.start", "partial", N_("Start"), "", "2024-03"),
            Field("period.end", "partial", N_("End"), "", "2024-09"),
        )),
        f.RESULTS, f.LESSONS,
    )),
    Step("costs", N_("Time and money"), (*f.PERIOD, f.STAGE, *f.COSTS)),
    Step("sources", N_("Contact and sources"), (*f.CONTACT, *f.CLOSING, f.VERIFIED)),
)  # fmt: skip

_EXPERT: Final = (
    Step("basics", N_("The person"), (
        f.title(N_("First name and family name, as the person writes them."), "Amina Diallo", N_("Name")),
        Field("position", "said", N_("Position"), "", N_("Head of urban planning")),
        Field("organisation", "line", N_("Organisation"), "", "Ville de Dakar"),
        f.SUMMARY,
        Field("body", "area", N_("Biography"), N_("Work, studies, what they can help with."), rows=10),
    )),
    Step("expertise", N_("What they know"), (
        Field("expertise", "terms", N_("Expertise"), N_("What other cities may ask them about."),
              vocabularies=("topics", "instruments", "gender_themes")),
        f.languages("languages_spoken", N_("Languages that they speak")),
        Field("availability", "choice", N_("Availability"), vocabularies=("availability",)),
        f.SDGS,
    )),
    Step("contact", N_("Contact and consent"), (
        f.CITY,
        Field("email", "email", N_("E-mail"), N_("It is never shown: people write through this site."), "amina@example.org"),
        Field("phone", "line", N_("Telephone"), N_("It is never shown in public."), "+221 33 123 45 67"),
        f.WEBSITE,
        Field("orcid", "line", "ORCID", N_("The identifier of researchers."), "0000-0002-1825-0097"),
        Field("consent.date", "date", N_("Agreed to be listed on"),
              N_("Nobody is listed who has not agreed. Keep their message."), "2026-04-30"),
        Field("consent.version", "line", N_("Version of the text they agreed to"), "", "2026-01"),
        Field("confirmed_on", "date", N_("Confirmed on"), N_("The day on which they last said that all this is right."),
              "2026-04-30"),
    )),
    Step("links", N_("Proof and files"), (f.LINKS, f.MEDIA)),
)  # fmt: skip

_ORGANISATION: Final = (
    Step("basics", N_("In short"), (
        f.title(N_("Its official name."), "Metro de Medellín", N_("Name")),
        Field("acronym", "line", N_("Acronym"), "", "WSMT"),
        Field("kind", "choice", N_("Kind"), vocabularies=("organisation_kinds",)),
        f.SUMMARY, f.WEBSITE, f.BODY,
    )),
    Step("place", N_("Where"), f.PLACE),
    Step("about", N_("What it is about"), (f.TOPICS,)),
    _FILES,
)  # fmt: skip

_CITY: Final = (
    Step("basics", N_("In short"), (
        f.title(N_("As it is called in this language."), N_("Seville"), N_("Name")),
        Field("other_names", "lines", N_("Other names"),
              N_("One a line: other languages, older names, other spellings."), "Sevilla"),
        f.SUMMARY, f.WEBSITE, f.BODY,
    )),
    Step("place", N_("Where"), (
        f.COUNTRY, f.LATITUDE, f.LONGITUDE, f.POPULATION,
        Field("population_year", "whole", N_("Year of the number of inhabitants"), "", "2023"),
        f.LEVEL,
        Field("geonames_id", "whole", N_("Number at GeoNames"), N_("The number in its address at geonames.org."), "2510911"),
    )),
    Step("network", N_("In the network"), (
        Field("member_since", "whole", N_("Member since"), "", "1999"),
        Field("womens_network_antenna", "area", N_("Antenna of the women’s network"), N_("Who it is and where."),
              N_("The institute for women at the town hall."), rows=3),
    )),
    _CLOSING,
)  # fmt: skip

_EVENT: Final = (
    Step("basics", N_("In short"), (
        f.title(N_("Its official name."), N_("Housing for all: a webinar for mayors")),
        Field("kind", "choice", N_("Kind"), vocabularies=("event_types",)),
        f.SUMMARY,
        f.objectives(N_("Cities show each other what they tried.")),
        f.BODY,
    )),
    Step("when", N_("When and where"), (
        Field("start", "partial", N_("First day"), "", "2026-10-05"),
        Field("end", "partial", N_("Last day"), N_("Leave it empty if it is one day."), "2026-10-07"),
        Field("timezone", "timezone", N_("Time zone"), N_("The times of the programme are told in it."), "America/Bogota"),
        Field("venue", "said", N_("Place"), N_("Building and city."), N_("Town hall, Bogotá")),
        Field("online_url", "url", N_("Address to take part online"), "", "https://www.example.org/live"),
        f.CITY,
        f.languages("languages_held", N_("Languages that it is held in")),
    )),
    Step("programme", N_("Programme"), (
        f.texts("contents", N_("Contents"), N_("What it is about, point by point."),
                N_("Who pays for social housing?"), N_("Point")),
        Field("programme", "list", N_("Programme"), N_("In the order of the day."), item=N_("Item"), fields=(
            Field("start", "time", N_("Begins at"), N_("Local time."), "15:30"),
            Field("minutes", "whole", N_("Minutes"), "", "45"),
            Field("title", "said", N_("Title"), "", N_("Three cities, three ways")),
            Field("text", "area", N_("What happens in it"), "", N_("A talk of ten minutes each, then questions."), rows=3),
            Field("speakers", "list", N_("Speakers"), item=N_("Speaker"), fields=(
                Field("name", "line", N_("Name"), "", "Amina Diallo"),
                Field("position", "said", N_("Position"), "", N_("Head of urban planning")),
                Field("organisation", "line", N_("Organisation"), "", "Ville de Dakar"),
                Field("expert", "record", N_("Their profile here"), type="expert"),
            )),
        )),
    )),
    Step("audience", N_("Who can come"), (
        Field("audience", "area", N_("For whom"), "", N_("Officials who plan housing."), rows=3),
        Field("registration", "area", N_("How to register"), N_("By when, what it costs, how many can come."),
              N_("Free of charge, until 20 September."), rows=3),
        Field("registration_url", "url", N_("Address to register"), "", "https://www.example.org/register"),
        Field("funder", "said", N_("Who pays for it"), "", N_("The network’s training fund")),
        f.TOPICS,
    )),
    Step("sources", N_("Documents and links"), (
        f.sources("documents", N_("Documents"), N_("Slides, reports and recordings.")), f.LINKS, f.MEDIA,
    )),
)  # fmt: skip

_PUBLICATION: Final = (
    Step("basics", N_("In short"), (
        f.title(N_("As it stands on its cover."), N_("Housing in metropolitan areas")),
        Field("kind", "choice", N_("Kind"), vocabularies=("publication_kinds",)),
        f.SUMMARY, f.BODY,
    )),
    Step("edition", N_("Edition"), (
        Field("authors", "lines", N_("Authors"), N_("One a line."), "Amina Diallo"),
        Field("publisher", "line", N_("Publisher"), "", "Metropolis"),
        Field("date", "partial", N_("Published on"), N_("As precisely as you know it: year, month or day."), "2025-11"),
        Field("series", "line", N_("Series"), "", "Issue Papers 14"),
        Field("pages", "whole", N_("Pages"), "", "64"),
        f.WEBSITE,
        Field("doi", "line", "DOI", "", "10.1000/182"),
        Field("isbn", "line", "ISBN", "", "978-92-1-132862-2"),
        f.languages("published_in", N_("Languages that it can be read in")),
    )),
    Step("about", N_("What it is about"), (f.TOPICS, f.INSTRUMENTS, f.SDGS, *f.GENDER)),
    _FILES,
)  # fmt: skip

_NEWS: Final = (
    Step("basics", N_("What happened"), (
        f.title(N_("What happened, in one sentence."), N_("Twelve cities join the housing network")),
        Field("date", "partial", N_("Date"), "", "2026-04-30"),
        f.SUMMARY, f.BODY, f.WEBSITE,
    )),
    Step("about", N_("What it is about"), (f.TOPICS, f.SDGS)),
    _FILES,
)  # fmt: skip

_AWARD: Final = (
    Step("basics", N_("In short"), (
        f.title(N_("Its official name."), N_("Guangzhou Award for Urban Innovation")),
        f.SUMMARY,
        Field("organiser", "said", N_("Who gives it"), "", N_("The city of Guangzhou with two networks of cities")),
        Field("since", "whole", N_("Given since"), "", "2012"),
        Field("cycle", "said", N_("How often"), "", N_("Every two years")),
        Field("criteria", "area", N_("Criteria"), N_("By what the jury chooses."),
              N_("Effect, novelty, and whether others can do it.")),
        f.WEBSITE, f.BODY,
    )),
    _FILES,
)  # fmt: skip

_COLLECTION: Final = (
    Step("basics", N_("In short"), (
        f.title(N_("What one learns from it."), N_("How to begin with cable cars")),
        f.SUMMARY,
        Field("audience", "area", N_("For whom"), "", N_("Officials who plan housing."), rows=3),
        f.BODY,
    )),
    Step("steps", N_("The path"), (
        Field("steps", "list", N_("The path"), N_("In the order in which to read them."), item=N_("Stop"), fields=(
            Field("record", "record", N_("Record"), N_("Type a part of its name and choose it.")),
            Field("note", "area", N_("Why here"), "", N_("Shows what it costs when nobody plans the upkeep."), rows=3),
        )),
    )),
    Step("about", N_("What it is about"), (f.TOPICS, f.SDGS)),
)  # fmt: skip

_ADOPTION: Final = (
    Step("basics", N_("In short"), (
        f.title(N_("Who took up what."), N_("Mexico City takes up Medellín’s cable cars")),
        Field("case_study", "record", N_("From which case"), N_("Type a part of its name and choose it."), type="case_study"),
        Field("city", "record", N_("By which city"), N_("Type a part of its name and choose it."), type="city"),
        Field("state", "choice", N_("How far it has come"), vocabularies=("adoption_states",)),
        *f.PERIOD,
    )),
    Step("outcome", N_("What became of it"), (
        f.SUMMARY,
        Field("changes", "area", N_("What was changed"), N_("What the city does in another way, and why."),
              N_("Eight stations instead of four; its own company runs it.")),
        Field("outcome", "area", N_("Outcome"), N_("What came of it so far, also if it was given up."),
              N_("Open since 2021, 130,000 passengers a day.")),
    )),
    Step("sources", N_("Contact and sources"), (*f.CONTACT, f.SOURCES, f.LINKS, f.MEDIA)),
)  # fmt: skip

FORMS: Final[dict[RecordType, tuple[Step, ...]]] = {
    "case_study": _CASE,
    "initiative": _INITIATIVE,
    "expert": _EXPERT,
    "organisation": _ORGANISATION,
    "city": _CITY,
    "event": _EVENT,
    "publication": _PUBLICATION,
    "news": _NEWS,
    "award": _AWARD,
    "collection": _COLLECTION,
    "adoption": _ADOPTION,
}

#: What each type is for, in a sentence: for those who choose one.
PURPOSES: Final[dict[RecordType, str]] = {
    "case_study": N_("What a city did about a problem, what it cost and what came of it."),
    "initiative": N_("A project or service that cities run together."),
    "expert": N_("A person whom other cities can ask, and who agreed to it."),
    "organisation": N_("A body that leads, pays or takes part."),
    "city": N_("A city or metropolitan area that is not here yet."),
    "event": N_("A webinar, training, congress or meeting."),
    "publication": N_("A report, paper, guideline or declaration."),
    "news": N_("Something that happened, on a day."),
    "award": N_("A prize for cities."),
    "collection": N_("Records in an order, to learn something from."),
    "adoption": N_("A city took up what another one did: say what became of it."),
}


def step_of(type: RecordType, name: str) -> Step | None:
    """The step of that name."""
    return next((step for step in FORMS[type] if step.name == name), None)


def placed(type: RecordType) -> Iterator[tuple[Step, Field]]:
    """Every field of a type with its step."""
    for step in FORMS[type]:
        yield from ((step, field) for field in step.fields)


def find(type: RecordType, path: str) -> tuple[Step, Field] | None:
    """Where a path of the record is written: in the field of that name, in one above it, or in the first one below it."""
    fields = list(placed(type))
    above = [(step, field) for step, field in fields if path == field.name or path.startswith(f"{field.name}.")]
    below = [(step, field) for step, field in fields if field.name.startswith(f"{path}.")]
    return next(iter([*sorted(above, key=lambda found: -len(found[1].name)), *below]), None)
