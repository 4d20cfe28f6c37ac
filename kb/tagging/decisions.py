"""Decide on a tag, and take that back. A decision and the record's tags change in one transaction, under the record's lock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from kb.db import utcnow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.records import service as records
from kb.tagging import cases
from kb.tagging.tables import DecisionRow, SuggestionRow
from schemas.accounts import Account
from schemas.messages import N_
from schemas.records import Record
from schemas.tagging import Action, Decision, Evidence, Suggestions, TagKind
from schemas.tags import Gender, GenderThemeTag, SdgTag

#: One main goal and three others.
MOST_GOALS: Final = 4
#: Who accepted a tag, as readers see it; the decision says which person it was. Shown translated.
TEAM: Final = N_("Editorial team")
#: What nobody takes back: a dispute is its readers' to settle (``disputes.py``).
FINAL: Final = ("undo", "dispute", "resolve")

Tag = SdgTag | GenderThemeTag
_MODELS: Final[dict[TagKind, type[Tag | Gender]]] = {"sdg": SdgTag, "theme": GenderThemeTag, "gender": Gender}


@dataclass(frozen=True)
class Subject:
    """What is decided on, and why: a goal or target, a theme, or the marker, whose code is ``gender``."""

    kind: TagKind
    code: str
    comment: str = ""

    @property
    def key(self) -> str:
        """What one person at a time can decide on: the goal, the theme, or ``gender``."""
        return self.code.split(".")[0]


def decide(session: Session, account: Account, record_id: str, decision: Decision) -> DecisionRow:
    """Decide on one tag of a record. Raises Forbidden, NotFound, Invalid for what makes no sense, and Conflict (``why``:
    seen) where somebody decided on the same goal or theme since."""
    record = held(session, account, record_id, decision.kind, decision.key, decision.seen)
    before = tag_in(record, decision.kind, decision.code)
    if before is not None and before.state == "disputed":
        raise Conflict(N_("This tag is disputed. Two readers settle that; until then nobody else decides on it."))
    offered = _Offer.of(session, record_id, decision)
    after = _DO[decision.action](record, decision, before, offered)
    changed = _with(record, decision.kind, before, after)
    row = _row(session, account, decision, decision.action, offered, record_id)
    row.before, row.after = value_of(before), value_of(after)
    _write(session, account, record, changed, row)
    if isinstance(after, SdgTag) and after.primary:
        _demote_others(session, account, record_id, row, after)
    cases.refresh(session, record_id)
    return row


def held(session: Session, account: Account, record_id: str, kind: TagKind, key: str, seen: int) -> Record:
    """The record, under its lock until the transaction ends, for a decision of this person. Raises as ``decide`` does."""
    _may(account)
    records.hold(session, record_id)
    record = records.get(session, record_id).record
    check_seen(cases.decisions_of(session, record_id), kind, key, seen)
    return record


def check_seen(made: Sequence[DecisionRow], kind: TagKind, key: str, seen: int) -> None:
    """Raises Conflict (``why``: seen) where somebody decided on this goal or theme after the decision ``seen``."""
    if any(each.id > seen for each in made if (each.kind, each.key) == (kind, key)):
        raise Conflict(
            N_("Somebody else has decided on this meanwhile. Look at it as it is now, then decide."), why="seen"
        )


def _may(account: Account) -> None:
    if not account.may("review"):
        raise Forbidden(N_("Only the editorial team can do this."))


class _Offer:
    """What was suggested for a tag or the marker: by which suggestions, how sure, on which passage."""

    def __init__(self, row: SuggestionRow | None, confidence: float | None, evidence: Evidence | None) -> None:
        self.row, self.confidence, self.evidence = row, confidence, evidence

    @classmethod
    def of(cls, session: Session, record_id: str, asked: Decision | Subject) -> "_Offer":
        row = cases.suggestion_of(session, cases.get(session, record_id))
        if row is None:
            return cls(None, None, None)
        said = Suggestions.model_validate(row.result)
        if asked.kind == "gender":
            return cls(row, said.gender.marker.confidence, said.gender.marker.evidence)
        goals = {each.goal: each for each in said.sdgs}
        themes = {each.theme: each for each in said.gender.themes}
        found = goals.get(asked.key) if asked.kind == "sdg" else themes.get(asked.key)
        return cls(row, found.confidence if found else None, found.evidence if found else None)


def standing(record: Record, kind: TagKind, code: str) -> Tag | Gender | None:
    """What stands in the record: the tag with this code, or the marker with what led to it."""
    if kind == "gender":
        return record.gender if value_of(record.gender) else None
    return tag_in(record, kind, code)


def tag_in(record: Record, kind: TagKind, code: str) -> Tag | None:
    """The tag with this code that stands in the record."""
    tags: Sequence[Tag] = record.sdgs if kind == "sdg" else record.gender.themes
    return next((tag for tag in tags if code_of(tag) == code), None)


def code_of(tag: Tag | Gender) -> str:
    """The goal, target or theme of a tag; ``gender`` for the marker."""
    if isinstance(tag, Gender):
        return "gender"
    return tag.code if isinstance(tag, SdgTag) else tag.theme


# What each action makes of a tag


def _accept(record: Record, decision: Decision, before: Tag | None, offered: _Offer) -> Tag:
    if before is None and offered.confidence is None:
        raise Invalid(N_("Nothing was suggested there; add the tag yourself."), field="code")
    return _accepted(record, decision, before, offered, "machine" if before is None else before.source)


def _add(record: Record, decision: Decision, before: Tag | None, offered: _Offer) -> Tag:
    if before is not None:
        raise Invalid(N_("The record has this tag already."), field="code")
    return _accepted(record, decision, None, offered, "staff")


def _change(record: Record, decision: Decision, before: Tag | None, offered: _Offer) -> Tag:
    if before is None:
        raise Invalid(N_("The record does not have this tag, so it cannot be changed."), field="code")
    if decision.to and decision.to != decision.code and tag_in(record, decision.kind, decision.to):
        raise Invalid(N_("The record has this tag already."), field="to")
    return _accepted(record, decision, before, offered, before.source if not decision.to else "staff")


def _reject(_record: Record, _decision: Decision, before: Tag | None, offered: _Offer) -> None:
    if before is None and offered.confidence is None:
        raise Invalid(N_("Nothing was suggested there, so there is nothing to reject."), field="code")


def _remove(_record: Record, _decision: Decision, before: Tag | None, _offered: _Offer) -> None:
    if before is None:
        raise Invalid(N_("The record does not have this tag."), field="code")


_DO: Final[dict[Action, Callable[[Record, Decision, Tag | None, _Offer], Tag | None]]] = {
    "accept": _accept,
    "add": _add,
    "change": _change,
    "reject": _reject,
    "remove": _remove,
}


def _accepted(record: Record, decision: Decision, before: Tag | None, offered: _Offer, source: str) -> Tag:
    """The tag as a person stands for it: on the passage that they chose, else the one it had, else the suggested one."""
    passage = decision.passage or (before and before.passage) or (offered.evidence and offered.evidence.passage) or None
    values: dict[str, Any] = {
        "passage": passage,
        "passage_language": record.language if passage else None,
        "confidence": offered.confidence if source == "machine" else None,
        "source": source,
        "state": "accepted",
        "reviewer": TEAM,
        "date": utcnow().date(),
    }
    if before and passage == before.passage:
        values["passage_language"] = before.passage_language
    if decision.kind == "theme":
        return GenderThemeTag(theme=decision.to or decision.code, **values)
    was = before if isinstance(before, SdgTag) else None
    others = any(tag.primary for tag in record.sdgs if tag is not before)
    primary = decision.primary if decision.primary is not None else was.primary if was else not others
    contribution = decision.contribution or (was.contribution if was else "direct")
    return SdgTag(code=decision.to or decision.code, primary=primary, contribution=contribution, **values)


# Writing


def _with(record: Record, kind: TagKind, before: Tag | Gender | None, after: Tag | Gender | None) -> Record:
    """The record with one tag, or one marker, in the place of another. Raises Invalid for one goal too many."""
    if kind == "gender":
        gender = after if isinstance(after, Gender) else Gender()
        return record.model_copy(update={"gender": gender.model_copy(update={"themes": record.gender.themes})})
    tags: Sequence[Tag] = record.sdgs if kind == "sdg" else record.gender.themes
    new: list[Any] = [after if tag is before else tag for tag in tags]
    new = [tag for tag in [*new, *([after] if before is None else [])] if tag is not None]
    if kind == "theme":
        return record.model_copy(update={"gender": record.gender.model_copy(update={"themes": new})})
    if after is not None and before is None and len(new) > MOST_GOALS:
        raise Invalid(N_("A record has one main goal and three others at most. Take one away first."), field="code")
    return record.model_copy(update={"sdgs": new})


def _row(
    session: Session, account: Account, asked: Decision | Subject, action: Action, offered: _Offer, record_id: str
) -> DecisionRow:
    return DecisionRow(
        record_id=record_id,
        kind=asked.kind,
        key=asked.key,
        code=asked.code,
        action=action,
        suggestion_id=offered.row.id if offered.row else None,
        model=offered.row.model if offered.row else "",
        confidence=offered.confidence,
        account_id=account.id,
        comment=asked.comment,
        text_key=cases.get(session, record_id).text_key,
    )


def _write(session: Session, account: Account, old: Record, new: Record, row: DecisionRow) -> None:
    """Save the record and note the decision. The record's text is the one that tagging knew, if it was before."""
    case = cases.get(session, old.id)
    known = case.revision == records.get(session, old.id).revision
    if new != old:
        records.save(session, new, account.id, row.comment or "")
    row.revision = records.get(session, old.id).revision
    if known:
        case.revision = row.revision
    row.at = utcnow()
    session.add(row)
    session.flush()


def _demote_others(session: Session, account: Account, record_id: str, main: DecisionRow, tag: SdgTag) -> None:
    """There is one main goal."""
    for other in records.get(session, record_id).record.sdgs:
        if other.primary and other.code != tag.code:
            record = records.get(session, record_id).record
            after = other.model_copy(update={"primary": False})
            row = DecisionRow(
                record_id=record_id, kind="sdg", key=other.goal, code=other.code, action="change", before=value_of(other),
                after=value_of(after), account_id=account.id, follows_id=main.id, model=main.model,
                suggestion_id=main.suggestion_id, text_key=main.text_key,
            )  # fmt: skip
            _write(session, account, record, _with(record, "sdg", tag_in(record, "sdg", other.code), after), row)


def put(
    session: Session, account: Account, record_id: str, asked: Subject, action: Action, after: Tag | Gender | None
) -> DecisionRow:
    """Put ``after`` in the place of the tag or marker that ``asked`` names, whatever it is that led to it: a screening, a
    dispute, its settlement. Whoever calls holds the record and has looked whether this person may."""
    record, offered = records.get(session, record_id).record, _Offer.of(session, record_id, asked)
    before = standing(record, asked.kind, asked.code)
    row = _row(session, account, asked, action, offered, record_id)
    row.before, row.after = value_of(before), value_of(after)
    _write(session, account, record, _with(record, asked.kind, before, after), row)
    cases.refresh(session, record_id)
    return row


def value_of(tag: Tag | Gender | None) -> dict[str, Any] | None:
    """What a decision or dispute holds of it; of the marker all but the themes. None where there is nothing."""
    return tag.model_dump(mode="json", exclude_defaults=True, exclude={"themes"}) or None if tag else None


def of_value(kind: TagKind, value: dict[str, Any]) -> Tag | Gender:
    """What a decision or dispute holds, as it was."""
    return _MODELS[kind].model_validate(value)


# Taking back


def undo(session: Session, account: Account, record_id: str, decision_id: int, *, own: bool = True) -> DecisionRow:
    """Take one's own decision back (not ``own``: whoever's it is), with what followed from it. Raises Forbidden for another's,
    Conflict where something was decided on the same goal or theme since, NotFound."""
    _may(account)
    records.hold(session, record_id)
    made = cases.decisions_of(session, record_id)
    row = next((each for each in made if each.id == decision_id), None)
    if row is None:
        raise NotFound(N_("There is no such decision on this record."))
    if own and row.account_id != account.id:
        raise Forbidden(N_("This was decided by somebody else. Dispute it, if you think that it is wrong."))
    parts = _parts(row, made)
    if any(_is_over(part, made, with_it) for part, with_it in parts):
        raise Conflict(N_("Something was decided on this since, so it cannot be taken back any more."), why="seen")
    return [_undo(session, account, part) for part, _ in reversed(parts)][-1]


def undoable(made: Sequence[DecisionRow], account_id: str) -> list[DecisionRow]:
    """Those of a record's decisions that this person can take back now, oldest first."""
    mine = (row for row in made if row.account_id == account_id and row.follows_id is None)
    return [row for row in mine if not any(_is_over(part, made, with_it) for part, with_it in _parts(row, made))]


def _parts(row: DecisionRow, made: Sequence[DecisionRow]) -> list[tuple[DecisionRow, set[int]]]:
    parts = [row, *(each for each in made if each.follows_id == row.id)]
    return [(part, {each.id for each in parts}) for part in parts]


def _is_over(row: DecisionRow, made: Sequence[DecisionRow], with_it: set[int]) -> bool:
    later = (each for each in made if (each.kind, each.key) == (row.kind, row.key) and each.id > row.id)
    return row.undone_by is not None or row.action in FINAL or any(each.id not in with_it for each in later)


def _undo(session: Session, account: Account, row: DecisionRow) -> DecisionRow:
    record = records.get(session, row.record_id).record
    back = DecisionRow(
        record_id=row.record_id, kind=row.kind, key=row.key, code=row.code, action="undo", before=row.after,
        after=row.before, account_id=account.id, model=row.model, suggestion_id=row.suggestion_id, text_key="",
    )  # fmt: skip
    _write(session, account, record, _restored(record, row), back)
    row.undone_by = back.id
    cases.refresh(session, row.record_id)
    return back


def _restored(record: Record, row: DecisionRow) -> Record:
    after, before = (of_value(row.kind, value) if value else None for value in (row.after, row.before))
    stands = standing(record, row.kind, code_of(after)) if after else None
    return _with(record, row.kind, stands, before)
