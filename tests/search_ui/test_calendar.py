"""Events in time: the programme on the clock, and calendar files that calendar programs read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.records import Event, parse
from search_ui import calendar
from tests.search_ui.own_site import OwnSite, own_site


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path, []) as site:
        yield site


def _event(**fields: Any) -> dict[str, Any]:
    return {
        "type": "event", "id": "talk", "language": "es", "status": "published", "title": {"es": "Charla, con «café»"},
        "start": "2020-04-03",
    } | fields  # fmt: skip


PROGRAMME = [
    {"title": {"es": "Bienvenida"}, "start": "16:30", "minutes": 20},
    {"title": {"es": "Debate"}, "minutes": 45},
    {"title": {"es": "Cierre"}},
    {"title": {"es": "Cena"}, "start": "23:30", "minutes": 60},
]


def test_the_programme_is_told_in_local_times_that_follow_from_start_and_minutes() -> None:
    event = parse(_event(programme=PROGRAMME))
    assert isinstance(event, Event)
    assert [(row.start, row.end) for row in calendar.programme(event)] == [
        ("16:30", "16:50"), ("16:50", "17:35"), ("17:35", None), ("23:30", "00:30"),
    ]  # fmt: skip


def test_a_programme_without_any_time_shows_none() -> None:
    event = parse(_event(programme=[{"title": {"es": "Algo"}, "minutes": 10}, {"title": {"es": "Más"}}]))
    assert isinstance(event, Event)
    assert [(row.start, row.end) for row in calendar.programme(event)] == [(None, None), (None, None)]


@pytest.mark.parametrize(
    ("zone", "start", "offset"),
    [("Europe/Madrid", "2020-04-03", "UTC+2"), ("Europe/Madrid", "2020-01-03", "UTC+1"),
     ("Asia/Kolkata", "2020-04-03", "UTC+5:30"), ("America/St_Johns", "2020-01-03", "UTC-3:30"),
     ("Europe/Madrid", "2020-04", None)],
)  # fmt: skip
def test_the_distance_from_utc_is_that_of_the_events_own_day(zone: str, start: str, offset: str | None) -> None:
    event = parse(_event(timezone=zone, start=start))
    assert isinstance(event, Event)
    assert calendar.offset(event) == offset


def _lines(site: OwnSite, **fields: Any) -> list[str]:
    """The unfolded lines of the event's calendar file."""
    site.save(_event(**fields))
    answer = site.get("/es/events/talk.ics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="talk.ics"'
    raw = answer.content
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 75
    return raw.replace(b"\r\n ", b"").decode().split("\r\n")


def test_an_event_with_times_stands_in_the_calendar_at_that_moment_in_utc(empty: OwnSite) -> None:
    lines = _lines(empty, timezone="Europe/Madrid", programme=PROGRAMME[:2])
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[1] == "VERSION:2.0"
    assert lines[-2] == "END:VCALENDAR"
    assert "DTSTART:20200403T143000Z" in lines
    assert "DTEND:20200403T153500Z" in lines
    assert "UID:talk@testserver" in lines
    assert "URL:http://testserver/es/events/talk" in lines
    assert [line for line in lines if line.startswith("DTSTAMP:")]


def test_an_event_without_a_time_zone_is_at_its_local_time(empty: OwnSite) -> None:
    assert "DTSTART:20200403T163000" in _lines(empty, programme=PROGRAMME[:1])


def test_an_event_of_several_days_is_whole_days_and_ends_on_the_day_after_its_last(empty: OwnSite) -> None:
    lines = _lines(empty, end="2020-04-05", timezone="Europe/Madrid", programme=PROGRAMME)
    assert "DTSTART;VALUE=DATE:20200403" in lines
    assert "DTEND;VALUE=DATE:20200406" in lines


def test_text_in_a_calendar_file_is_escaped_and_folded_between_characters(empty: OwnSite) -> None:
    lines = _lines(
        empty, summary={"es": "ñandú; coma, barra \\ y\nsalto " + "á€😀" * 60}, venue={"es": "Aula 1, piso 2"}
    )
    assert "SUMMARY;LANGUAGE=es:Charla\\, con «café»" in lines
    assert "LOCATION:Aula 1\\, piso 2" in lines
    described = next(line for line in lines if line.startswith("DESCRIPTION"))
    assert described == "DESCRIPTION;LANGUAGE=es:ñandú\\; coma\\, barra \\\\ y\\nsalto " + "á€😀" * 60


def test_a_changed_event_replaces_itself_in_a_calendar(empty: OwnSite) -> None:
    assert "SEQUENCE:0" in _lines(empty)
    assert "SEQUENCE:1" in _lines(empty, venue={"es": "Otra sala"})


@pytest.mark.parametrize("start", [None, "2020", "2020-04"])
def test_an_event_whose_day_is_not_known_has_no_calendar_file_and_offers_none(
    empty: OwnSite, start: str | None
) -> None:
    empty.save(_event(start=start) if start else {k: v for k, v in _event().items() if k != "start"})
    assert empty.get("/es/events/talk.ics").status_code == 404
    assert "talk.ics" not in empty.get("/es/events/talk").text


def test_only_events_have_a_calendar_file(empty: OwnSite) -> None:
    empty.save({"type": "news", "id": "talk", "language": "es", "status": "published", "title": {"es": "Noticia"}})
    assert empty.get("/es/events/talk.ics").status_code == 404
