"""An expert and what proves them, for the tests of profiles. ``from tests.experts import expert, CASE``."""

from typing import Any, Final

CASE: Final[dict[str, Any]] = {
    "type": "case_study", "id": "cable-cars", "language": "es", "status": "published",
    "title": {"es": "Teleféricos para los barrios de ladera", "en": "Cable cars for hillside districts"},
    "summary": {
        "es": "Los teleféricos unen los barrios de ladera con el metro.",
        "en": "Cable cars join the hillside districts to the metro.",
    },
    "links": [{"rel": "city", "to": "city-medellin"}], "topics": ["public-transport"],
    "sdgs": [{"code": "11.2", "primary": True, "source": "author"}],
}  # fmt: skip
CITY: Final[dict[str, Any]] = {
    "type": "city", "id": "city-medellin", "language": "es", "status": "published",
    "title": {"es": "Medellín", "en": "Medellín", "fr": "Medellín"}, "place": {"country": "CO"},
}  # fmt: skip


def expert(**more: Any) -> dict[str, Any]:
    """A published expert whom nobody keeps yet."""
    return {
        "type": "expert", "id": "expert-ana", "language": "en", "status": "published",
        "title": {"en": "Ana Ruiz"}, "position": {"en": "Engineer"}, "organisation": "Taller",
        "summary": {"en": "Advises cities on ropeways."}, "languages_spoken": ["es", "en"],
        "expertise": ["public-transport"], "availability": "available", "email": "ana@example.org",
        "links": [{"rel": "city", "to": "city-medellin"}, {"rel": "case_study", "to": "cable-cars"}],
        "consent": {"date": "2026-01-10", "version": "1.0"}, "confirmed_on": "2026-01-10",
    } | more  # fmt: skip
