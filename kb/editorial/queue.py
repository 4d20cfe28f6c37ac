"""The desk's queue: every draft that is not history, as a line, and the views and filters that narrow it."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from kb.db import utcnow
from kb.editorial.drafts import title_of
from kb.editorial.tables import DraftRow
from kb.records import overview
from kb.records.facets import region_of
from schemas.editorial import Stage
from schemas.language import Language, Said
from schemas.records import RecordType

#: Days that a declined draft stays in view.
_DECLINED_FOR: Final = 90


@dataclass(frozen=True)
class Line:
    """A draft as the queue shows it. ``title`` is None where there is none yet; ``since`` is when it was sent in, else when it
    was saved last; ``city_id`` is a record's id."""

    id: str
    title: Said | None
    type: RecordType
    language: Language
    stage: Stage
    record_id: str
    assignee_id: str
    due_on: datetime.date | None
    publish_at: datetime.datetime | None
    since: datetime.datetime
    city_id: str
    country: str
    region: str

    def is_overdue(self, today: datetime.date) -> bool:
        """Whether its day has passed."""
        return self.due_on is not None and self.due_on < today and self.stage not in ("scheduled", "declined")

    def days(self, today: datetime.date) -> int:
        """How long it has been there."""
        return (today - self.since.date()).days


View = Callable[[Line, str, datetime.date], bool]

#: What the queue can be narrowed to first: (line, who looks, today) -> whether it belongs.
VIEWS: Final[dict[str, View]] = {
    "open": lambda line, _me, _today: line.stage in ("submitted", "in_review"),
    "submitted": lambda line, _me, _today: line.stage == "submitted",
    "in_review": lambda line, _me, _today: line.stage == "in_review",
    "mine": lambda line, me, _today: line.assignee_id == me and line.stage != "declined",
    "due": lambda line, _me, today: line.due_on is not None and today <= line.due_on <= today + datetime.timedelta(7),
    "overdue": lambda line, _me, today: line.is_overdue(today),
    "changes_requested": lambda line, _me, _today: line.stage == "changes_requested",
    "scheduled": lambda line, _me, _today: line.stage == "scheduled",
    "writing": lambda line, _me, _today: line.stage == "draft",
    "declined": lambda line, _me, _today: line.stage == "declined",
}

#: Filters by name: what of a line must be the value that was chosen. ``age`` is days at least.
FILTERS: Final[dict[str, Callable[[Line], str]]] = {
    "type": lambda line: line.type,
    "language": lambda line: line.language,
    "region": lambda line: line.region,
    "city": lambda line: line.city_id,
    "assignee": lambda line: line.assignee_id or "nobody",
}
_LAST: Final = datetime.date.max

#: Orders by name.
SORTS: Final[dict[str, Callable[[Line], Any]]] = {
    "oldest": lambda line: line.since,
    "newest": lambda line: -line.since.timestamp(),
    "due": lambda line: (line.due_on or _LAST, line.since),
    "title": lambda line: line.title.text.casefold() if line.title else "",
    "type": lambda line: (line.type, line.since),
}


def lines(session: Session, wanted: Language) -> list[Line]:
    """All drafts that are open, and what was declined lately, with their titles in the wanted language where they have one."""
    lately = utcnow() - datetime.timedelta(days=_DECLINED_FOR)
    declined_lately = (DraftRow.stage == "declined") & (DraftRow.updated_at > lately)
    columns = (
        DraftRow.id, DraftRow.type, DraftRow.language, DraftRow.stage, DraftRow.record_id, DraftRow.assignee_id,
        DraftRow.due_on, DraftRow.publish_at, DraftRow.updated_at, DraftRow.submitted_at,
        DraftRow.data["title"].label("title"), DraftRow.data["place"].label("place"), DraftRow.data["links"].label("links"),
    )  # fmt: skip
    query = select(*columns).where(or_(DraftRow.stage.not_in(("published", "declined")), declined_lately))
    rows = session.execute(query).all()
    places = overview.countries(session, {city for row in rows if (city := _city_of(row.links))})
    return [_line(row, wanted, places) for row in rows]


def _line(row: Row[Any], wanted: Language, places: Mapping[str, str]) -> Line:
    city = _city_of(row.links)
    country = _country_of(row.place) or places.get(city, "")
    return Line(
        id=row.id,
        title=title_of({"title": row.title}, wanted),
        type=row.type,
        language=row.language,
        stage=row.stage,
        record_id=row.record_id,
        assignee_id=row.assignee_id,
        due_on=row.due_on,
        publish_at=row.publish_at,
        since=row.submitted_at or row.updated_at,
        city_id=city,
        country=country,
        region=region_of(country) or "",
    )


# What is typed into a draft need not be right yet.


def _city_of(links: Any) -> str:
    found = (link for link in links if isinstance(link, dict)) if isinstance(links, list) else ()
    return next((to for link in found if link.get("rel") == "city" and isinstance(to := link.get("to"), str)), "")


def _country_of(place: Any) -> str:
    country = place.get("country") if isinstance(place, dict) else None
    return country if isinstance(country, str) else ""


def narrowed(
    every: list[Line], view: str, filters: Mapping[str, str], sort: str, me: str, today: datetime.date
) -> list[Line]:
    """The lines of a view that pass the filters, in order. ``age`` among the filters is days at least."""
    oldest = int(filters.get("age", "0"))
    found = [line for line in every if VIEWS[view](line, me, today) and line.days(today) >= oldest]
    for name, of in FILTERS.items():
        if chosen := filters.get(name):
            found = [line for line in found if of(line) == chosen]
    return sorted(found, key=SORTS[sort])


def counts(every: list[Line], me: str, today: datetime.date) -> dict[str, int]:
    """How many lines each view has."""
    return {name: sum(view(line, me, today) for line in every) for name, view in VIEWS.items()}
