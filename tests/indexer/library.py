"""A handful of records in three languages, as somebody might import them."""

from typing import Any, Final


def _city(
    record_id: str, names: tuple[str, str, str], country: str, lat: float, lon: float, **more: Any
) -> dict[str, Any]:
    place = {"country": country, "coordinates": {"lat": lat, "lon": lon}, "population": 1_500_000}
    return {
        "type": "city", "id": record_id, "language": "en", "status": "published", "place": place,
        "title": dict(zip(("en", "es", "fr"), names, strict=True)),
    } | more  # fmt: skip


def _record(
    record_id: str, language: str, type: str = "case_study", city: str | None = None, **more: Any
) -> dict[str, Any]:
    links = [{"rel": "city", "to": city}] if city else []
    return {"type": type, "id": record_id, "language": language, "status": "published", "links": links} | more


CABLE_CARS: Final = _record(
    "cable-cars", "es", city="city-medellin", topics=["public-transport"], instruments=["infrastructure"],
    title={"es": "Metrocable: teleféricos para los barrios de ladera", "en": "Metrocable: cable cars for hillside districts"},
    summary={
        "es": "Desde 2004 los teleféricos unen los barrios de ladera con el metro, la escuela y la biblioteca.",
        "en": "Since 2004 cable cars join the hillside districts to the metro, to school and to the library.",
    },
    period={"start": "2004", "ongoing": True}, stage="running",
    sdgs=[{"code": "11.2", "primary": True, "source": "author"}],
)  # fmt: skip

RECORDS: Final[list[dict[str, Any]]] = [
    _city("city-medellin", ("Medellín", "Medellín", "Medellín"), "CO", 6.24, -75.57, other_names=["Medallo"]),
    _city("city-lyon", ("Lyons", "Lyon", "Lyon"), "FR", 45.76, 4.84),
    CABLE_CARS,
    _record(
        "rain-gardens", "fr", city="city-lyon", topics=["climate-adaptation"],
        title={"fr": "Des jardins de pluie dans les cours d’école"},
        summary={"fr": "La métropole ôte l’asphalte des cours et y plante des arbres ; les eaux de pluie s’infiltrent."},
        body={"fr": "Les enfants jouent à l’ombre. Les réseaux d’eaux usées débordent moins souvent après l’orage."},
        period={"start": "2019"},
    ),
    _record(
        "waste-pickers", "es", city="city-medellin", topics=["waste"],
        title={"es": "Recicladoras con contrato"},
        summary={"es": "El municipio paga a las recicladoras de oficio por los residuos que recogen y separan."},
        period={"start": "2012"}, gender={"marker": 2, "themes": [{"theme": "work-economy", "source": "author"}]},
    ),
    _record(
        "night-stops", "en", topics=["public-transport"],
        title={"en": "Stops on demand at night"},
        summary={"en": "After ten at night women may ask the bus driver to stop between two stops, closer to home."},
        gender={"marker": 2, "themes": [{"theme": "safety-violence", "source": "author"}]},
        place={"name": "Nantes", "country": "FR"},
        sdgs=[
            {"code": "5.2", "primary": True, "source": "author"},
            {"code": "16.1", "source": "machine", "state": "suggested"},
        ],
    ),
    _record(
        "school-budget", "en", topics=["participation"], instruments=["participatory-budget"],
        title={"en": "Pupils decide on the money of their schools", "fr": "Les élèves décident de l’argent des écoles"},
        summary={
            "en": "Every school has a sum of its own, and all pupils vote on what to do with it.",
            "fr": "Chaque école a sa propre somme, et tous les élèves votent pour en décider l’emploi.",
        },
    ),
    _record(
        "expert-rivera", "es", "expert", expertise=["waste"], orcid="0000-0002-1825-0097",
        title={"es": "Ana Rivera"}, summary={"es": "Asesora de cooperativas de reciclaje."},
        languages_spoken=["es"], organisation="Universidad del Valle",
    ),
    _record(
        "expert-shy", "en", "expert", expertise=["heritage"], place={"name": "Quito", "country": "EC"},
        title={"en": "Sam Okoro"}, summary={"en": "Knows whatever there is to know about cathedrals."},
        organisation="Wolfram Quarterly", email="sam@example.org", phone="+44 555 0199",
        visibility={"summary": "nobody", "expertise": "members", "organisation": "nobody", "place": "nobody"},
    ),
    _record(
        "guide", "en", "publication", title={"en": "A guide to street trees"}, date="2021-06", isbn="978-92-1-132345-6",
        authors=["Jean Dupont"],
    ),
    _record("silent", "en", "organisation", title={"en": "Quorvex"}),
    _record("draft", "en", status="draft", title={"en": "An unpublished zeppelin"}, topics=["public-transport"]),
]  # fmt: skip
