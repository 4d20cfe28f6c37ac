"""The site's settings: read them, change one."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.audit import service as audit
from kb.db import wait_for_writers
from kb.site.tables import SiteRow
from schemas.site import Site


def read(session: Session) -> Site:
    """All settings."""
    return Site.model_validate({row.name: row.data["value"] for row in session.scalars(select(SiteRow))})


def change(session: Session, actor: str, **values: Any) -> Site:
    """Set these, and note who did. Raises pydantic.ValidationError for what a setting cannot be."""
    made = Site.model_validate(read(session).model_dump() | values)
    if values.get("read_only"):
        wait_for_writers(session)
    for name in values:
        session.merge(SiteRow(name=name, data={"value": made.model_dump(mode="json")[name]}))
    audit.note(session, actor, "site.change", "", settings=sorted(values))
    return made
