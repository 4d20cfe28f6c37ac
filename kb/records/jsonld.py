"""Records as schema.org JSON-LD, for search engines and other machines."""

from typing import Any, Final

from kb.records.privacy import public_record
from kb.records.service import Stored
from kb.records.urls import record_path
from schemas.language import Language, Said, Translated, say
from schemas.parts import Place
from schemas.records import City, Event, Expert, Publication, Record, RecordType
from schemas.vocabulary import load

#: schema.org has no case study, award or transfer; these come closest.
_TYPES: Final[dict[RecordType, str]] = {
    "case_study": "Article",
    "initiative": "Project",
    "expert": "Person",
    "organisation": "Organization",
    "city": "City",
    "event": "Event",
    "publication": "Report",
    "news": "NewsArticle",
    "award": "CreativeWork",
    "collection": "Collection",
    "adoption": "Article",
}
#: Types with authors, a language and a licence.
_WORKS: Final = frozenset({"Article", "Report", "NewsArticle", "CreativeWork", "Collection"})


def json_ld(stored: Stored, language: Language, base_url: str, site_name: str) -> dict[str, Any]:
    """The record in one language (its own where that one is lacking). ``base_url`` has no slash at its end."""
    record = public_record(stored.record)
    kind = _TYPES[record.type]
    said = say(record.title, language, record.language)
    assert said is not None  # a record has a title in its own language
    graph = {
        "@context": "https://schema.org",
        "@type": kind,
        "@id": _api_url(base_url, record.id),
        "url": base_url + record_path(record.type, record.id, said.language),
        "name": said.text,
        "description": _text(record, record.summary, said),
        "sameAs": record.website,
        _about(kind): _terms(record, said.language),
        _place_name(kind): _place(record.place),
        _sources_name(kind): _sources(record),
    }
    graph |= _work(record, stored, kind, said, site_name) if kind in _WORKS else {}
    graph |= _own(record, said, base_url)
    return {name: value for name, value in graph.items() if value not in (None, [], {})}


def _api_url(base_url: str, record_id: str) -> str:
    return f"{base_url}/api/v1/records/{record_id}"


def _text(record: Record, text: Translated, said: Said) -> str | None:
    found = say(text, said.language, record.language)
    return found.text if found else None


def _about(kind: str) -> str:
    if kind in ("Person", "Organization", "Project"):
        return "knowsAbout"
    return "keywords" if kind == "City" else "about"


def _place_name(kind: str) -> str:
    if kind == "City":
        return "containedInPlace"
    if kind == "Person":
        return "workLocation"
    return "spatialCoverage" if kind in _WORKS else "location"


def _sources_name(kind: str) -> str:
    return "isBasedOn" if kind in _WORKS else "subjectOf"


def _terms(record: Record, language: Language) -> list[dict[str, Any]]:
    chosen = [("sdgs", tag.code) for tag in record.sdgs]
    chosen += [("gender_themes", tag.theme) for tag in record.gender.themes]
    chosen += [("topics", topic) for topic in record.topics]
    chosen += [("instruments", instrument) for instrument in record.instruments]
    return [_term(vocabulary, term_id, language) for vocabulary, term_id in chosen]


def _term(vocabulary: str, term_id: str, language: Language) -> dict[str, Any]:
    terms = load(vocabulary)
    term = terms.get(term_id)
    found = {
        "@type": "DefinedTerm",
        "@id": term.uri if term else None,
        "termCode": term_id,
        "name": terms.label_of(term_id, language),
        "inDefinedTermSet": terms.uri or terms.label[language],
    }
    return {name: value for name, value in found.items() if value is not None}


def _place(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    found: dict[str, Any] = {"@type": "Place"}
    if place.name:
        found["name"] = place.name
    if place.country:
        found["address"] = {"@type": "PostalAddress", "addressCountry": place.country}
    return found | _geo(place)


def _geo(place: Place | None) -> dict[str, Any]:
    if place is None or place.coordinates is None:
        return {}
    point = place.coordinates
    return {"geo": {"@type": "GeoCoordinates", "latitude": point.lat, "longitude": point.lon}}


def _sources(record: Record) -> list[dict[str, Any]]:
    return [
        {
            "@type": "CreativeWork",
            "name": source.title,
            **({"publisher": {"@type": "Organization", "name": source.publisher}} if source.publisher else {}),
            **({"datePublished": str(source.year)} if source.year else {}),
            **({"url": source.url} if source.url else {}),
            **({"inLanguage": source.language} if source.language else {}),
        }
        for source in record.sources
    ]


def _work(record: Record, stored: Stored, kind: str, said: Said, site_name: str) -> dict[str, Any]:
    return {
        "headline": said.text if kind in ("Article", "NewsArticle") else None,
        "inLanguage": said.language,
        "datePublished": stored.published_at.isoformat() if stored.published_at else None,
        "dateModified": stored.updated_at.isoformat(),
        "publisher": {"@type": "Organization", "name": site_name},
        "license": record.licence,
        "creativeWorkStatus": "demonstration" if record.demonstration else None,
    }


def _own(record: Record, said: Said, base_url: str) -> dict[str, Any]:
    """What only this type of record has."""
    match record:
        case Expert():
            return _expert(record, said)
        case City():
            return {"alternateName": record.other_names} | _geo(record.place)
        case Event():
            mode = "Online" if record.online_url and not record.venue else "Offline"
            return {
                "startDate": record.start,
                "endDate": record.end,
                "inLanguage": record.languages_held,
                "eventAttendanceMode": f"https://schema.org/{mode}EventAttendanceMode",
            }
        case Publication():
            return {
                "author": [{"@type": "Person", "name": name} for name in record.authors],
                "datePublished": record.date,
                "identifier": record.doi or record.isbn,
                "numberOfPages": record.pages,
            }
    works = ("step", "adopts")
    parts = [_api_url(base_url, target) for relation, target in record.references() if relation in works]
    return (
        {"hasPart" if record.type == "collection" else "isBasedOn": [{"@id": part} for part in parts]} if parts else {}
    )


def _expert(record: Expert, said: Said) -> dict[str, Any]:
    pages = [record.website, record.orcid and f"https://orcid.org/{record.orcid}"]
    return {
        "jobTitle": _text(record, record.position, said),
        "worksFor": {"@type": "Organization", "name": record.organisation} if record.organisation else None,
        "knowsLanguage": record.languages_spoken,
        "sameAs": [page for page in pages if page],
    }
