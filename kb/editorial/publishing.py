"""From a draft to a record, now or at a moment; and away from readers again."""

import datetime
import logging
import re
import unicodedata
from typing import Final, Literal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.audit import service as audit
from kb.db import transaction, utcnow
from kb.editorial import letters
from kb.editorial.drafts import is_author, owners_of, problems, record_of, title_of
from kb.editorial.tables import CoAuthorRow, DraftRow, OwnerRow
from kb.editorial.turns import hold, turn
from kb.errors import Conflict, Forbidden, Invalid, KnowledgeBaseError
from kb.mail import service as mail
from kb.records import service as records
from kb.settings import Settings
from kb.uploads import service as uploads
from schemas.accounts import Account
from schemas.language import say
from schemas.messages import N_
from schemas.records import Record

log = logging.getLogger(__name__)

Shelf = Literal["published", "withdrawn", "archived"]

#: Where a record that was published may go.
SHELVES: Final[dict[str, tuple[Shelf, ...]]] = {
    "published": ("withdrawn", "archived"),
    "withdrawn": ("published", "archived"),
    "archived": ("published", "withdrawn"),
}
_ACTIONS: Final[dict[Shelf, str]] = {"published": "put_back", "withdrawn": "withdraw", "archived": "archive"}
_LONGEST_SLUG: Final = 80


def refusal(session: Session, account: Account, draft: DraftRow) -> KnowledgeBaseError | None:
    """Why this person cannot publish it as it is, with the member ``why``: stage, eyes, faults, gone or merge. None when
    they can."""
    if not account.may("publish"):
        return Forbidden(N_("Only the editorial team can do this."))
    return _refusal(session, account.id, draft)


def _refusal(session: Session, editor: str, draft: DraftRow) -> KnowledgeBaseError | None:
    if draft.stage not in ("in_review", "scheduled"):
        return Conflict(N_("Take it into review first."), why="stage")
    if editor == draft.saved_by or is_author(session, editor, draft):
        return Forbidden(
            N_(
                "Four eyes: it is yours, or you were the last to change it. "
                "Somebody else of the editorial team must publish it."
            ),
            why="eyes",
        )
    if faults := problems(draft):
        return Invalid(N_("Something is missing or wrong; see the list on this page."), why="faults", faults=faults)
    return behind(session, draft)


def behind(session: Session, draft: DraftRow) -> KnowledgeBaseError | None:
    """Why it does not follow on the record that is there now."""
    stored = records.load(session, [draft.record_id]).get(draft.record_id) if draft.record_id else None
    if draft.record_id and stored is None:
        return Conflict(N_("The record that this changes was deleted."), why="gone")
    if stored and stored.revision != draft.base_revision:
        return Conflict(N_("The record has changed since this draft began. Merge both first."), why="merge")
    return None


def publish(session: Session, account: Account, draft: DraftRow) -> str:
    """Make the draft the record that readers see. Returns the record's id.

    Raises Forbidden for who wrote it themselves, Invalid with ``faults`` when something is missing, and Conflict when it was
    decided elsewhere or the record has changed since the draft began; the member ``why`` as in ``refusal``.
    """
    draft = hold(session, draft)
    if refused := refusal(session, account, draft):
        raise refused
    return _publish(session, account.id, draft)


def _publish(session: Session, editor: str, draft: DraftRow) -> str:
    record_id = draft.record_id or _new_id(session, draft)
    record = record_of(draft, record_id).model_copy(update={"status": "published"})
    records.save(session, record, draft.owner_id, expected=draft.base_revision)
    uploads.adopt(session, record_id, (media.url for media in record.media))
    if not draft.record_id:
        _give(session, draft, record_id)
    draft.record_id, draft.base_revision = record_id, records.get(session, record_id).revision
    turn(session, draft, "published", editor, "publish", record=record_id)
    letters.to_authors(session, draft, editor, "publish")
    return record_id


def _new_id(session: Session, draft: DraftRow) -> str:
    """Readable, from the title; numbered where that is taken."""
    said = title_of(draft.data, draft.language)
    slug = slug_of(said.text if said else "") or draft.type.replace("_", "-")
    number = 1
    while records.existing_ids(session, [name := slug if number == 1 else f"{slug}-{number}"]):
        number += 1
    return name


def slug_of(title: str) -> str:
    """``Metrocable: teleféricos`` as ``metrocable-telefericos``; empty where nothing of it can be in an address."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))
    return slug if len(slug) <= _LONGEST_SLUG else slug[: _LONGEST_SLUG + 1].rpartition("-")[0] or slug[:_LONGEST_SLUG]


def _give(session: Session, draft: DraftRow, record_id: str) -> None:
    """The record belongs to those who wrote it."""
    shared = session.scalars(select(CoAuthorRow.account_id).where(CoAuthorRow.draft_id == draft.id))
    for account_id in {draft.owner_id, *shared}:
        session.merge(OwnerRow(record_id=record_id, account_id=account_id))


# At a moment


def schedule(session: Session, account: Account, draft: DraftRow, at: datetime.datetime | None) -> None:
    """Have it published at a moment, if it can be published as it is. Raises as ``publish``, and Invalid at ``publish_at``."""
    draft = hold(session, draft)
    if at is None or at <= utcnow():
        raise Invalid(N_("Choose a day and time that is still to come."), field="publish_at")
    if refused := refusal(session, account, draft):
        raise refused
    turn(session, draft, "scheduled", account.id, "schedule", at=at.isoformat())
    draft.publish_at, draft.approved_by = at, account.id
    letters.to_authors(session, draft, account.id, "schedule", when=letters.moment(at))


def publish_due(database: Engine, _settings: Settings) -> int:
    """Publish what is due: a round. Returns how many. What cannot be published goes back into review, and its editor is
    told why."""
    with transaction(database, readonly=True) as session:
        due = select(DraftRow.id).where(DraftRow.stage == "scheduled", DraftRow.publish_at <= utcnow())
        waiting = session.scalars(due.order_by(DraftRow.publish_at, DraftRow.id).limit(100)).all()
    return sum(_tried(database, draft_id) for draft_id in waiting)


def _tried(database: Engine, draft_id: str) -> bool:
    try:
        return _publish_due(database, draft_id)
    except Exception:
        log.exception("draft %s could not be published; it is tried again", draft_id)
        return False


def _publish_due(database: Engine, draft_id: str) -> bool:
    with transaction(database) as session:
        draft = session.get(DraftRow, draft_id, with_for_update=True)
        if draft is None or draft.stage != "scheduled" or draft.publish_at is None or draft.publish_at > utcnow():
            return False  # another worker was faster, or an editor took it off the schedule
        if refused := _refusal(session, draft.approved_by, draft):
            _take_off(session, draft, refused)
            return False
        _publish(session, draft.approved_by, draft)
        return True


def _take_off(session: Session, draft: DraftRow, refused: KnowledgeBaseError) -> None:
    editor = draft.approved_by
    turn(session, draft, "in_review", "", "unschedule")
    draft.publish_at, draft.approved_by = None, ""
    for each in {editor, draft.assignee_id} - {""}:
        letters.to_one(session, draft, each, "fail", why=refused.members["why"])


# Away from readers, and back


def put(session: Session, account: Account, record_id: str, shelf: Shelf, reason: str, expected: int) -> Record:
    """Withdraw a record, archive it, or put it before readers again. ``expected`` is the revision that was seen.

    Raises Forbidden, Invalid at ``reason`` where there is none, Conflict when it changed meanwhile, NotFound.
    """
    if not account.may("publish"):
        raise Forbidden(N_("Only the editorial team can do this."))
    if not (reason := reason.strip()):
        raise Invalid(N_("Say why; the history keeps it."), field="reason")
    record = records.get(session, record_id).record
    if shelf not in SHELVES.get(record.status, ()):
        raise Conflict(N_("It is not where you saw it any more. Look at it as it is now, then decide."))
    records.save(session, record.model_copy(update={"status": shelf}), account.id, reason[:2000], expected=expected)
    audit.note(session, account.id, f"record.{_ACTIONS[shelf]}", record_id)
    _tell_owners(session, account.id, record, shelf, reason, expected)
    return record


def _tell_owners(session: Session, actor: str, record: Record, shelf: Shelf, reason: str, revision: int) -> None:
    for owner in accounts.active(session, set(owners_of(session, record.id)) - {actor}):
        said = say(record.title, owner.language, record.language)
        mail.queue(
            session,
            f"record:{owner.id}:{revision}:{shelf}:{record.id}"[:200],
            owner.email,
            owner.language,
            "record_moved",
            event=shelf,
            title=said.text if said else record.id,
            reason=reason,
            link=letters.address(owner.language, "/drafts"),
        )
