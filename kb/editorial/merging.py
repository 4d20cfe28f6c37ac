"""Two versions of one record side by side: what differs, and how they become one.

A value is taken apart into fields, a text in several languages into one field for each: ``{"title.en": "Trams", ...}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy.orm import Session

from kb.audit import service as audit
from kb.editorial import drafts
from kb.editorial.tables import DraftRow
from kb.errors import Conflict, Invalid
from kb.records import revisions
from kb.records import service as records
from schemas.accounts import Account
from schemas.language import LANGUAGES
from schemas.messages import N_
from schemas.records import to_value

Side = Literal["base", "theirs", "mine"]
SIDES: Final[tuple[Side, ...]] = Side.__args__  # type: ignore[attr-defined]

#: What says which record it is, and where it stands; no text of it.
_APART: Final = frozenset({"id", "type", "status"})


@dataclass(frozen=True)
class Choice:
    """A field that somebody changed: as the draft found it, as the record says now, as the draft says. None is nothing."""

    path: str
    base: Any
    theirs: Any
    mine: Any

    @property
    def settled(self) -> Side | None:
        """The side to take where only one changed it, or both alike; None where somebody must choose."""
        if self.mine in (self.base, self.theirs):
            return "theirs"
        return "mine" if self.theirs == self.base else None


def fields_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """A value taken apart, without what is empty."""
    found: dict[str, Any] = {}
    for name, part in value.items():
        if name in _APART or part in (None, "", [], {}):
            continue
        if isinstance(part, dict) and part.keys() <= set(LANGUAGES):
            found |= {f"{name}.{language}": part[language] for language in LANGUAGES if part.get(language)}
        else:
            found[name] = part
    return found


def _value_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for path, part in fields.items():
        name, _, language = path.partition(".")
        if language:
            value.setdefault(name, {})[language] = part
        else:
            value[name] = part
    return value


def choices(session: Session, draft: DraftRow) -> list[Choice]:
    """The fields that the draft or the record changed since the draft began. Raises NotFound where the record is gone."""
    base, theirs = (fields_of(value) for value in _sources(session, draft))
    mine = fields_of(draft.data)
    every = [Choice(path, base.get(path), theirs.get(path), mine.get(path)) for path in {**mine, **theirs, **base}]
    return [each for each in every if not each.base == each.theirs == each.mine]


def _sources(session: Session, draft: DraftRow) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record as the draft found it, and as it is now."""
    now = to_value(records.get(session, draft.record_id).record)
    return revisions.value(session, draft.record_id, draft.base_revision), now


def merge(
    session: Session, account: Account, draft: DraftRow, chosen: Mapping[str, str], version: int, revision: int
) -> DraftRow:
    """Make one of both, and have the draft follow on the record as it is now. ``revision`` is the record's that was seen.

    Raises Invalid with ``open``, the fields where nobody chose, and Conflict when either changed meanwhile. Whoever merges
    was the last to change it.
    """
    if records.get(session, draft.record_id).revision != revision:
        raise Conflict(N_("The record changed once more. Compare again."))
    every = choices(session, draft)
    sides = {each.path: each.settled or chosen.get(each.path) for each in every}
    if undecided := [path for path, side in sides.items() if side not in SIDES]:
        raise Invalid(N_("Choose one version of each field that both changed."), open=undecided)
    merged = fields_of(draft.data) | {each.path: getattr(each, sides[each.path] or "") for each in every}
    kept = {name: draft.data[name] for name in _APART if name in draft.data}
    value = kept | _value_of({path: part for path, part in merged.items() if part is not None})
    draft = drafts.save(session, account, draft.id, value, version)
    draft.base_revision = revision
    audit.note(session, account.id, "draft.merge", draft.id, revision=revision)
    return draft
