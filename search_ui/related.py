"""What a record's page shows of other records: its city, the records linked with it, and who adopted what."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.orm import Session

from kb.records import service as records
from kb.records.privacy import members_record, public_value
from kb.records.service import Stored
from schemas.language import Language, Translated, say
from schemas.records import Adoption, Record, RecordType, parse
from search_ui import i18n
from search_ui.i18n import N_

#: Relations that say what one is to the other; the rest say no more than that there is a link.
ROLES: Final = {
    "lead": N_("Lead"), "partner": N_("Partner"), "author": N_("Author"), "speaker": N_("Speaker"),
}  # fmt: skip
#: The order of linked records on a page.
ORDER: Final[tuple[RecordType, ...]] = (
    "case_study", "initiative", "adoption", "city", "organisation", "expert", "publication", "event", "news", "award",
    "collection",
)  # fmt: skip
#: Types that are in one city. In others a link to a city says something else: a winner, a participant.
_AT_HOME: Final = frozenset({"case_study", "expert", "organisation", "event"})


@dataclass(frozen=True)
class Linked:
    """A record linked with the one that the page shows: what it is to it, what the link says, and where it is."""

    stored: Stored
    role: str
    note: Translated
    place: str


@dataclass(frozen=True)
class Transfer:
    """An adoption with both its ends: the case and its city, and the city that took it up. An end that is not
    published is None."""

    stored: Stored
    case: Stored | None
    origin: Stored | None
    city: Stored | None


def readable(stored: Stored) -> Stored:
    """The record as every reader may see it: private fields are gone, and tags that nobody has accepted."""
    return replace(stored, record=parse(public_value(stored.record)))


def for_members(stored: Stored) -> Stored:
    """The record as people with an account may see it."""
    return replace(stored, record=members_record(stored.record))


def city_of(session: Session, record: Record) -> Stored | None:
    """The published city that the record is in."""
    return _cities(session, [record]).get(_city_id(record) or "")


@dataclass(frozen=True)
class Around:
    """What is linked with a record, each once, by type in the order of ``ORDER``; and its transfers: of a case to
    other cities, of a city from others."""

    linked: dict[RecordType, list[Linked]]
    transfers: list[Transfer]


def around(session: Session, stored: Stored, language: Language) -> Around:
    """The published records that this one points to, then those that point to it, newest first.

    A collection's steps are shown apart and left out here; so is its own city, unless the link has something to say.
    """
    record, home = stored.record, _city_id(stored.record)
    outgoing = [(relation, record, readable(other)) for relation, other in records.links_of(session, stored)]
    incoming = list(_incoming(session, record))
    wanted: dict[str, tuple[str, Record, Stored]] = {}
    for relation, source, other in outgoing + incoming:
        alone = other.record.id == home and not _note(source, relation, home)
        if not alone and not _apart(relation, source, record):
            wanted.setdefault(other.record.id, (relation, source, other))
    taken = [other for _, source, other in incoming if _is_end(source, record)]
    return Around(_grouped(session, record, list(wanted.values()), language), transfers(session, taken))


def _incoming(session: Session, record: Record) -> Iterator[tuple[str, Record, Stored]]:
    """(relation, source, source as stored) of what points here. A link that its owner keeps private is not followed."""
    for relation, other in records.linked_from(session, record.id):
        source = readable(other)
        if (relation, record.id) in source.record.references():
            yield relation, source.record, source


def _apart(relation: str, source: Record, record: Record) -> bool:
    """A collection's steps, an adoption's case and city, the adoptions of a case or city: each has its own place."""
    if source.id == record.id:
        return relation in ("step", "adopts") or (relation == "city" and isinstance(source, Adoption))
    return _is_end(source, record)


def _is_end(source: Record, record: Record) -> bool:
    return isinstance(source, Adoption) and record.id in (source.case_study, source.city)


def _grouped(
    session: Session, record: Record, found: list[tuple[str, Record, Stored]], language: Language
) -> dict[RecordType, list[Linked]]:
    places = place_names(session, [other.record for _, _, other in found], language)
    groups: dict[RecordType, list[Linked]] = {kind: [] for kind in ORDER}
    for relation, source, other in found:
        target = other.record.id if source.id == record.id else record.id
        role = i18n.gettext(ROLES[relation], language) if relation in ROLES else ""
        groups[other.record.type].append(Linked(other, role, _note(source, relation, target), places[other.record.id]))
    return {kind: items for kind, items in groups.items() if items}


def _note(source: Record, relation: str, target: str) -> Translated:
    return next((link.note for link in source.links if link.rel == relation and link.to == target), {})


# Places


def _city_id(record: Record) -> str | None:
    if isinstance(record, Adoption):
        return record.city
    if record.type not in _AT_HOME:
        return None
    return next((link.to for link in record.links if link.rel == "city"), None)


def _cities(session: Session, several: Iterable[Record]) -> dict[str, Stored]:
    return records.load_public(session, {city for record in several if (city := _city_id(record))})


def place_names(session: Session, several: Sequence[Record], language: Language) -> dict[str, str]:
    """Where each record is, by its id, as ``Medellín, Colombia``; an empty text where that is not known."""
    cities = _cities(session, several)
    return {record.id: _place_name(record, cities.get(_city_id(record) or ""), language) for record in several}


def _place_name(record: Record, city: Stored | None, language: Language) -> str:
    place = record.place or (city.record.place if city else None)
    name = title(city, language) if city else place.name if place and record.type != "city" else None
    country = i18n.country(place.country, language) if place and place.country else None
    return ", ".join(part for part in (name, country) if part)


def title(stored: Stored, language: Language) -> str:
    """What the record is called in that language, else in its own."""
    said = say(stored.record.title, language, stored.record.language)
    return said.text if said else stored.record.id


# Transfers


def adoptions_of(session: Session, case_ids: Iterable[str]) -> list[Transfer]:
    """The transfers of these cases to other cities, newest first."""
    wanted = set(case_ids)
    pointing = records.load_public(session, sorted(records.pointing_ids(session, wanted)))
    return transfers(session, [stored for stored in pointing.values() if _case_of(stored) in wanted])


def _case_of(stored: Stored) -> str | None:
    return stored.record.case_study if isinstance(stored.record, Adoption) else None


def transfers(session: Session, adoptions: Sequence[Stored]) -> list[Transfer]:
    """These adoptions with their ends, those that began last first."""
    cases = records.load_public(session, [case for stored in adoptions if (case := _case_of(stored))])
    origins = _cities(session, [case.record for case in cases.values()])
    cities = _cities(session, [stored.record for stored in adoptions])
    made = [_transfer(stored, cases, origins, cities) for stored in adoptions]
    return sorted(made, key=_began, reverse=True)


def _transfer(
    stored: Stored, cases: dict[str, Stored], origins: dict[str, Stored], cities: dict[str, Stored]
) -> Transfer:
    case = cases.get(_case_of(stored) or "")
    origin = origins.get(_city_id(case.record) or "") if case else None
    return Transfer(stored, case, origin, cities.get(_city_id(stored.record) or ""))


def _began(transfer: Transfer) -> str:
    record = transfer.stored.record
    return record.period.start or "" if isinstance(record, Adoption) and record.period else ""
