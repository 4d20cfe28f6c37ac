"""Where a record stands on the site."""

from typing import Final

from schemas.language import Language
from schemas.records import RecordType

#: The part of the address that says the type, the same in all three languages.
SEGMENTS: Final[dict[RecordType, str]] = {
    "case_study": "case-studies",
    "initiative": "initiatives",
    "expert": "experts",
    "organisation": "organisations",
    "city": "cities",
    "event": "events",
    "publication": "publications",
    "news": "news",
    "award": "awards",
    "collection": "collections",
    "adoption": "adoptions",
}


def record_path(record_type: RecordType, record_id: str, language: Language) -> str:
    """The path of a record's page: ``/en/case-studies/medellin-metrocable``."""
    return f"/{language}/{SEGMENTS[record_type]}/{record_id}"
