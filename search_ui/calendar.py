"""Events in time: the programme on the clock, and the event as an iCalendar file (RFC 5545)."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from kb.records.service import Stored
from schemas.language import Language, say
from schemas.parts import ProgrammeItem
from schemas.records import Event

_DAY: Final = 24 * 60
#: Octets of a line, without its end.
_LINE: Final = 75


@dataclass(frozen=True)
class Timed:
    """An item of a programme with its local times, as ``16:30``; None where they are not known."""

    item: ProgrammeItem
    start: str | None
    end: str | None


def programme(event: Event) -> list[Timed]:
    """The programme on the clock. An item without a start begins when the one before it ends."""
    rows = []
    for item, start, end in _minutes(event):
        rows.append(Timed(item, _clock(start), _clock(end) if end != start else None))
    return rows


def _minutes(event: Event) -> Iterator[tuple[ProgrammeItem, int | None, int | None]]:
    """Each item with its start and end in minutes after midnight, as far as they follow from what is given."""
    now: int | None = None
    for item in event.programme:
        start = _after_midnight(item.start) if item.start else now
        now = start + item.minutes if start is not None and item.minutes is not None else None
        yield item, start, now


def _after_midnight(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int | None) -> str | None:
    return None if minutes is None else f"{minutes % _DAY // 60:02}:{minutes % 60:02}"


def is_dated(event: Event) -> bool:
    """Whether the day it starts on is known, without which it cannot stand in a calendar."""
    return _day(event.start) is not None


def offset(event: Event) -> str | None:
    """The event's distance from UTC on its first day, as ``UTC+2``; None where zone or day are not known."""
    day = _day(event.start)
    if day is None or event.timezone is None:
        return None
    noon = datetime.datetime.combine(day, datetime.time(12), ZoneInfo(event.timezone))
    distance = int((noon.utcoffset() or datetime.timedelta()).total_seconds()) // 60
    hours, minutes = divmod(abs(distance), 60)
    return f"UTC{'-' if distance < 0 else '+'}{hours}" + (f":{minutes:02}" if minutes else "")


def _day(date: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(date) if date and len(date) == len("2020-04-03") else None


# iCalendar


def icalendar(stored: Stored, language: Language, address: str, site_name: str) -> bytes:
    """The event as an iCalendar file. ``address`` is its page. Raises ValueError where the day is not known."""
    event = stored.record
    assert isinstance(event, Event), "only events go into a calendar"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        _property("PRODID", f"-//{site_name}//{language.upper()}"),
        "CALSCALE:GREGORIAN",
        "BEGIN:VEVENT",
        _property("UID", f"{event.id}@{address.split('/')[2]}"),
        f"DTSTAMP:{_utc(stored.updated_at)}",
        f"LAST-MODIFIED:{_utc(stored.updated_at)}",
        f"SEQUENCE:{stored.revision - 1}",
        *_span(event),
        *_texts(event, language),
        f"URL:{address}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) + b"\r\n" for line in lines)


def _span(event: Event) -> Iterator[str]:
    """Start and end: to the minute for one day with a programme on the clock, else whole days."""
    first, last = _day(event.start), _day(event.end)
    if first is None:
        raise ValueError("the event has no day to put into a calendar")
    times = [minutes for _, start, end in _minutes(event) for minutes in (start, end) if minutes is not None]
    if times and last in (None, first):
        yield f"DTSTART:{_moment(first, min(times), event.timezone)}"
        if max(times) > min(times):
            yield f"DTEND:{_moment(first, max(times), event.timezone)}"
    else:
        yield f"DTSTART;VALUE=DATE:{first:%Y%m%d}"
        yield f"DTEND;VALUE=DATE:{(last or first) + datetime.timedelta(days=1):%Y%m%d}"  # the first day after it


def _moment(day: datetime.date, minutes: int, zone: str | None) -> str:
    """In UTC, which needs no definition of the zone in the file; as local time where the zone is not known."""
    local = datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(minutes=minutes)
    return _utc(local.replace(tzinfo=ZoneInfo(zone))) if zone else f"{local:%Y%m%dT%H%M%S}"


def _utc(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}"


def _texts(event: Event, language: Language) -> Iterator[str]:
    for name, text in (("SUMMARY", event.title), ("DESCRIPTION", event.summary)):
        if said := say(text, language, event.language):
            yield _property(f"{name};LANGUAGE={said.language}", said.text)
    venue = say(event.venue, language, event.language)
    if where := [part for part in (venue.text if venue else None, event.online_url) if part]:
        yield _property("LOCATION", " – ".join(where))
    if event.place and event.place.coordinates:
        yield f"GEO:{event.place.coordinates.lat:.6f};{event.place.coordinates.lon:.6f}"


def _property(name: str, text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return f"{name}:" + escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> bytes:
    """The line in pieces of at most 75 octets, cut between characters; a blank starts each further piece."""
    pieces = [b""]
    for character in line:
        encoded = character.encode()
        if len(pieces[-1]) + len(encoded) > _LINE:
            pieces.append(b" ")
        pieces[-1] += encoded
    return b"\r\n".join(pieces)
