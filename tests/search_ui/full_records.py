"""One record of each type with every field filled, so that a test can see whether a page shows all of it."""

from typing import Any


def _text(text: str) -> dict[str, str]:
    return {"en": text, "es": f"{text} (es)"}


_TAG = {
    "passage_language": "es",
    "confidence": 0.83,
    "source": "staff",
    "state": "accepted",
    "reviewer": "Reviewer Robles",
    "date": "2024-03-04",
}
_SOURCE = {
    "title": "Source title", "publisher": "Source publisher", "year": 2011, "url": "https://source.example/a",
    "language": "fr",
}  # fmt: skip
_COSTS = {
    "amount": 1234567, "currency": "EUR", "year": 2018, "band": "1m-10m", "covers": _text("Covers rails"),
    "staff": 7, "source": "Accounts of 2018",
    "funding": [{"source": _text("The treasury"), "kind": "grant", "share": 0.61}],
}  # fmt: skip
_CONTACT = {
    "name": "Contact Carmen", "role": _text("Head of trams"), "organisation": "Tram office",
    "url": "https://trams.example/contact", "email": "secret@trams.example", "phone": "+34 600 000 000",
}  # fmt: skip
_PERIOD = {"start": "2009-05", "end": "2014-06-07"}


def _base(kind: str, *links: tuple[str, str]) -> dict[str, Any]:
    return {
        "type": kind,
        "id": f"full-{kind}",
        "language": "en",
        "status": "published",
        "title": _text(f"Title of the {kind}"),
        "summary": _text("Summary sentence"),
        "body": _text("Body paragraph"),
        "topics": ["public-transport"],
        "instruments": ["infrastructure"],
        "sdgs": [
            _TAG | {"code": "11.2", "primary": True, "contribution": "indirect", "passage": "Quoted for the goal"}
        ],
        "gender": {
            "themes": [_TAG | {"theme": "mobility", "passage": "Quoted for the theme"}],
            "marker": 1,
            "checklist": {"analysis": True},
            "passages": {"analysis": "Quoted for the analysis"},
            "passage": "Quoted for the marker",
            "passage_language": "es",
            "results_evidenced": True,
            "sex_disaggregated_data": True,
            "source": "staff",
            "reviewer": "Reviewer Renard",
            "date": "2024-05-06",
        },
        "place": {
            "name": "Placeville", "country": "PE", "coordinates": {"lat": -12.05, "lon": -77.04}, "population": 987654,
            "level": "metropolitan",
        },
        "links": [{"rel": relation, "to": target, "note": _text(f"Note on {target}")} for relation, target in links],
        "sources": [_SOURCE],
        "media": [
            {"kind": "video", "url": "https://media.example/film", "alt": _text("A tram climbs"),
             "credit": "Camera Cruz", "licence": "CC BY 4.0"}
        ],
        "website": "https://site.example/home",
        "translations": {"es": {"revision": 1, "machine": True, "translator": "Translator Toro", "date": "2023-02-01",
                                "checked": "2023-03-04"}},
        "last_verified": "2024-07-08",
        "next_review": "2027-08-09",
        "demonstration": True,
        "origin": "partner-7",
        "licence": "CC BY-SA 4.0",
    }  # fmt: skip


FULL: dict[str, dict[str, Any]] = {
    "case_study": _base(
        "case_study", ("city", "full-city"), ("expert", "full-expert"), ("partner", "full-organisation")
    )
    | {
        "context": _text("Context paragraph"),
        "problem": _text("Problem paragraph"),
        "objectives": _text("Objectives paragraph"),
        "solution": _text("Solution paragraph"),
        "building_blocks": [
            {
                "title": _text("Block title"),
                "text": _text("Block text"),
                "enabling_factors": _text("Block factors"),
                "lessons": _text("Block lessons"),
            }
        ],
        "actors": _text("Actors paragraph"),
        "beneficiaries": _text("Beneficiaries paragraph"),
        "participation": _text("Participation paragraph"),
        "period": _PERIOD,
        "stage": "scaled",
        "costs": _COSTS,
        "results": _text("Results paragraph"),
        "indicators": [
            {
                "name": _text("Riders"),
                "value": "45 000",
                "year": 2015,
                "baseline": "30 000",
                "baseline_year": 2008,
                "source": "Rider survey",
            }
        ],
        "evidence_level": 3,
        "evidence_note": _text("Evidence paragraph"),
        "what_did_not_work": _text("The brakes failed"),
        "lessons": _text("Lessons paragraph"),
        "transfer": {
            "conditions": _text("Conditions paragraph"),
            "core": [_text("Core element")],
            "adaptable": [_text("Adaptable element")],
            "do_not_copy_if": _text("Warning paragraph"),
            "time": _text("Two years in all"),
        },
        "contact": _CONTACT,
    },
    "initiative": _base("initiative", ("lead", "full-organisation"), ("city", "full-city"))
    | {
        "kind": "pilot_project",
        "acronym": "ACRO",
        "objectives": _text("Objectives paragraph"),
        "phases": [
            {"title": _text("Phase title"), "text": _text("Phase text"), "period": {"start": "2001", "end": "2003"}}
        ],
        "period": _PERIOD,
        "stage": "scaled",
        "costs": _COSTS,
        "results": _text("Results paragraph"),
        "lessons": _text("Lessons paragraph"),
        "contact": _CONTACT,
    },
    "expert": _base(
        "expert", ("city", "full-city"), ("case_study", "full-case_study"), ("publication", "full-publication")
    )
    | {
        "position": _text("Tram engineer"),
        "organisation": "Engineers United",
        "languages_spoken": ["pt", "en"],
        "expertise": ["housing", "tax-fee", "care"],
        "availability": "limited",
        "orcid": "0000-0002-1825-0097",
        "email": "secret@expert.example",
        "phone": "+33 700 000 000",
        "visibility": {"email": "public"},
        "consent": {"date": "2020-01-01", "version": "consent-9"},
        "confirmed_on": "2025-10-11",
    },
    "organisation": _base("organisation", ("city", "full-city")) | {"kind": "city-network", "acronym": "ORGA"},
    "city": _base("city", ("award", "full-award"))
    | {
        "other_names": ["Second name"],
        "geonames_id": 3936456,
        "population_year": 2017,
        "member_since": 1999,
        "womens_network_antenna": _text("Antenna of Lima"),
    },
    "event": _base("event", ("city", "full-city"), ("publication", "full-publication"))
    | {
        "kind": "webinar",
        "start": "2020-04-03",
        "end": "2020-04-03",
        "timezone": "Europe/Madrid",
        "venue": _text("Town hall"),
        "online_url": "https://online.example/room",
        "languages_held": ["pt"],
        "objectives": _text("Objectives paragraph"),
        "contents": [_text("Contents item")],
        "programme": [
            {
                "title": _text("Welcome"),
                "start": "16:30",
                "minutes": 45,
                "speakers": [
                    {"name": "Speaker Sol", "position": _text("Mayor"), "organisation": "Hall", "expert": "full-expert"}
                ],
                "text": _text("Welcome text"),
            }
        ],
        "audience": _text("Audience paragraph"),
        "registration": _text("Register by post"),
        "registration_url": "https://register.example/form",
        "documents": [_SOURCE | {"title": "Document title", "url": "https://documents.example/b"}],
        "funder": _text("The funder"),
    },
    "publication": _base("publication", ("event", "full-event"))
    | {
        "kind": "issue-paper",
        "authors": ["Author Abad", "Author Blanc"],
        "date": "2019-11",
        "publisher": "Paper publisher",
        "series": "Series nine",
        "isbn": "978-92-1-123456-7",
        "doi": "10.1000/182",
        "pages": 1048,
        "published_in": ["pt"],
    },
    "news": _base("news", ("event", "full-event")) | {"date": "2016-07-15"},
    "award": _base("award", ("case_study", "full-case_study"), ("organisation", "full-organisation"))
    | {
        "organiser": _text("Organiser name"),
        "since": 1987,
        "cycle": _text("Every other year"),
        "criteria": _text("Criteria paragraph"),
    },
    "collection": _base("collection", ("related", "full-news"))
    | {
        "steps": [{"record": "full-case_study", "note": _text("Read it first")}],
        "audience": _text("Audience paragraph"),
    },
    "adoption": _base("adoption", ("related", "full-expert"))
    | {
        "case_study": "full-case_study",
        "city": "taker",
        "state": "abandoned",
        "period": _PERIOD,
        "changes": _text("Changes paragraph"),
        "outcome": _text("Outcome paragraph"),
        "contact": _CONTACT,
    },
}

#: The city that the adoption leads to.
TAKER: dict[str, Any] = {
    "type": "city", "id": "taker", "language": "en", "status": "published",
    "title": {"en": "Takerville", "fr": "Repreneuse"},
    "place": {"country": "FR", "coordinates": {"lat": 47.2, "lon": -1.55}},
}  # fmt: skip
