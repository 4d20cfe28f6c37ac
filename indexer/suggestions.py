"""Completions while somebody types."""

from urllib.parse import urlencode

from sqlalchemy.orm import Session

from indexer.concepts import Concept, starting
from indexer.document import published, title_in
from kb.records.urls import record_path
from schemas.language import Language
from schemas.search import Suggestion
from schemas.vocabulary import load

#: What a suggestion is, by facet, in the three languages.
_NOTES: dict[str, dict[Language, str]] = {
    "topic": {"en": "Topic", "es": "Tema", "fr": "Thème"},
    "sdg": {"en": "Goal", "es": "Objetivo", "fr": "Objectif"},
    "target": {"en": "SDG target", "es": "Meta de los ODS", "fr": "Cible des ODD"},
    "gender_theme": {"en": "Gender theme", "es": "Tema de género", "fr": "Thème de genre"},
    "instrument": {"en": "Instrument", "es": "Instrumento", "fr": "Instrument"},
    "region": {"en": "Region", "es": "Región", "fr": "Région"},
    "country": {"en": "Country", "es": "País", "fr": "Pays"},
}


def suggest(session: Session, ids: list[str], text: str, language: Language, limit: int) -> list[Suggestion]:
    """At most ``limit``: half for terms and places, the rest for these records, whose names start like this."""
    terms = [_term(concept, language) for concept in starting(text, language, limit)]
    named = records(session, ids, language)
    few = max(limit - len(named), limit // 2)
    return (terms[:few] + named)[:limit]


def _term(concept: Concept, language: Language) -> Suggestion:
    return Suggestion(
        kind="place" if concept.facet in ("region", "country") else "term",
        id=concept.value,
        label=concept.label(language),
        note=_NOTES[concept.facet][language],
        url=f"/{language}/search?{urlencode({concept.facet: concept.id})}",
    )


def records(session: Session, ids: list[str], language: Language) -> list[Suggestion]:
    """Published records as suggestions, in the given order."""
    found = published(session, ids)
    return [
        Suggestion(
            kind="place" if stored.record.type == "city" else "record",
            id=id,
            label=title_in(stored.record, language),
            note=load("record_types").label_of(stored.record.type, language),
            url=record_path(stored.record.type, id, language),
        )
        for id, stored in found.items()
    ]
