"""What proves an expert: links from their record to others, which the other side can confirm.

The words are the expert's, in their record's links. Here is what others say to them. A record that itself names the expert
needs to be asked nothing. Words that change are a new statement: nobody has confirmed them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.audit import service as audit
from kb.db import utcnow
from kb.editorial import drafts
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.profiles import letters, service
from kb.profiles.tables import ProfileRow, ProofRow, ProofState
from kb.records import service as records
from kb.settings import Settings
from schemas.accounts import Account
from schemas.finder import Standing
from schemas.language import LANGUAGES, Translated
from schemas.messages import N_
from schemas.parts import Link, Relation
from schemas.records import Expert, Record, RecordType

#: What can prove an expert, and how their record calls it.
RELATIONS: Final[dict[RecordType, Relation]] = {
    "case_study": "case_study",
    "initiative": "initiative",
    "publication": "publication",
    "event": "event",
    "adoption": "related",
}
TOO_LONG: Final = N_("Write at most %(max_length)s characters.")


@dataclass(frozen=True)
class Proof:
    """A record that proves an expert, in the expert's words, and who stands by it."""

    record: Record
    part: Translated
    standing: Standing


@dataclass(frozen=True)
class Asked:
    """A statement that waits for the other side, or was refused by it."""

    expert: Expert
    record: Record
    part: Translated
    state: ProofState


def links_of(expert: Expert) -> list[Link]:
    """The links that can be proof. Adoptions have no relation of their own, so that not every related record is one."""
    return [link for link in expert.links if link.rel in RELATIONS.values()]


def standings(session: Session, experts: Iterable[Expert]) -> dict[tuple[str, str], ProofState]:
    """(expert, record) to what the other side said to the expert's present words; what nobody confirmed is left out."""
    said = {(expert.id, link.to): link.note for expert in experts for link in links_of(expert)}
    rows = session.scalars(select(ProofRow).where(ProofRow.expert_id.in_({expert for expert, _ in said})))
    return {
        key: row.state
        for row in rows
        if row.state in ("team", "staff") and said.get(key := (row.expert_id, row.record_id)) == row.part
    }


def standing(expert: Expert, record: Record, confirmed: Mapping[tuple[str, str], ProofState]) -> Standing:
    """Who stands by it that this record proves this expert."""
    if any(target == expert.id for _, target in record.references()):
        return "record"
    found = confirmed.get((expert.id, record.id), "stated")
    return found if found in ("team", "staff") else "stated"


def of_expert(session: Session, expert: Expert) -> list[Proof]:
    """The published records that an expert names as proof, in their order."""
    links = {link.to: link for link in links_of(expert)}
    confirmed = standings(session, [expert])
    found = records.load_public(session, links)
    return [
        Proof(stored.record, links[id].note, standing(expert, stored.record, confirmed))
        for id, stored in found.items()
        if stored.record.type in RELATIONS
    ]


def refused(session: Session, expert: Expert) -> list[Asked]:
    """What an expert stated, and the other side said is not so."""
    query = select(ProofRow).where(ProofRow.expert_id == expert.id, ProofRow.state == "refused")
    return list(_asked(session, session.scalars(query).all()))


def asked_of(session: Session, expert: Expert) -> set[str]:
    """The ids of records whose people were asked to confirm, and have not answered."""
    query = select(ProofRow.record_id).where(ProofRow.expert_id == expert.id, ProofRow.state == "stated")
    return set(session.scalars(query))


# The expert


def state(
    session: Session, settings: Settings, account: Account, record_id: str, part: Translated, revision: int
) -> None:
    """Name a record as proof, or say anew what one's part in it was. The other side is asked by mail.

    Raises NotFound, Invalid where the record proves nothing, Conflict where the profile moved on or it was refused before.
    """
    mine = service.kept(session, account.id)
    if mine.state == "new":
        raise Forbidden(N_("You can name proof as soon as your profile is published."))
    record = records.get_public(session, record_id).record
    if record.type not in RELATIONS:
        raise Invalid(N_("Choose a case, an initiative, a publication, an event or a transfer."), field="record")
    row = session.get(ProofRow, (mine.expert.id, record_id))
    if row and row.state == "refused":
        raise Conflict(
            N_("They said that this is not so. Write to the editorial team if you think that they are wrong.")
        )
    link = Link(rel=RELATIONS[record.type], to=record_id, note=part)
    others = [each for each in mine.expert.links if each.to != record_id]
    _save(session, account, mine, [*others, link], revision)
    if row is None or row.part != part:
        _ask(session, settings, mine.expert, record, part, row)
    audit.note(session, account.id, "proof.state", mine.expert.id, record=record_id)


def take_back(session: Session, account: Account, record_id: str, revision: int) -> None:
    """Name a record no longer. Raises Conflict where the profile moved on."""
    mine = service.kept(session, account.id)
    _save(session, account, mine, [each for each in mine.expert.links if each.to != record_id], revision)
    row = session.get(ProofRow, (mine.expert.id, record_id))
    if row and row.state != "refused":
        session.delete(row)
    audit.note(session, account.id, "proof.take_back", mine.expert.id, record=record_id)


def _save(session: Session, account: Account, mine: service.Profile, links: list[Link], revision: int) -> None:
    records.save(session, mine.expert.model_copy(update={"links": links}), account.id, expected=revision)


def _ask(
    session: Session, settings: Settings, expert: Expert, record: Record, part: Translated, row: ProofRow | None
) -> None:
    now = utcnow()
    row = row or ProofRow(expert_id=expert.id, record_id=record.id)
    row.state, row.part, row.asked_at, row.decided_at, row.decided_by = (
        "stated",
        {str(language): text for language, text in part.items()},
        now,
        None,
        "",
    )
    session.add(row)
    session.flush()
    key = f"{expert.id}:{record.id}:{now:%Y%m%d%H%M%S%f}"
    owners = letters.present(session, drafts.owners_of(session, record.id))
    for owner in owners:
        title = letters.title(record, owner.language)
        letters.write(session, settings, owner, "proof_asked", key, service.REQUESTS, expert, record=title)


# The other side


def waiting(session: Session, account: Account) -> list[Asked]:
    """What this person may confirm: statements about their records; for staff, all. The oldest first."""
    query = select(ProofRow).where(ProofRow.state == "stated").order_by(ProofRow.asked_at, ProofRow.record_id)
    mine = select(ProfileRow.record_id).where(ProfileRow.account_id == account.id)
    query = query.where(ProofRow.expert_id.not_in(mine))  # nobody is their own witness
    if not account.may("review"):
        query = query.where(ProofRow.record_id.in_(drafts.owned_by(session, account.id)))
    return list(_asked(session, session.scalars(query.limit(200)).all()))


def _asked(session: Session, rows: Iterable[ProofRow]) -> Iterable[Asked]:
    kept = list(rows)
    found = records.load(session, [id for row in kept for id in (row.expert_id, row.record_id)])
    for row in kept:
        expert, record = found.get(row.expert_id), found.get(row.record_id)
        if expert and record and isinstance(expert.record, Expert):
            yield Asked(expert.record, record.record, part_of(row), row.state)


def part_of(row: ProofRow) -> Translated:
    """What the expert said that their part was."""
    return {language: row.part[language] for language in LANGUAGES if language in row.part}


def decide(
    session: Session, settings: Settings, account: Account, expert_id: str, record_id: str, *, confirms: bool
) -> None:
    """Say that it is so, or that it is not: then the expert's record names this one no longer.

    Raises NotFound where nothing waits, Forbidden for who neither owns the record nor is staff.
    """
    row = session.get(ProofRow, (expert_id, record_id), with_for_update=True)
    owns = account.id in drafts.owners_of(session, record_id)
    if service.account_of_expert(session, expert_id) == account.id:
        raise Forbidden(N_("Nobody confirms what they say themselves."))
    if not (owns or account.may("review")):
        raise Forbidden(N_("Only those whose record it is, and the editorial team, can confirm this."))
    if row is None or row.state != "stated":
        raise NotFound(N_("Nothing is waiting here; somebody else may have decided it."))
    row.state = ("team" if owns else "staff") if confirms else "refused"
    row.decided_at, row.decided_by = utcnow(), account.id
    audit.note(session, account.id, "proof.confirm" if confirms else "proof.refuse", expert_id, record=record_id)
    expert = records.get(session, expert_id).record
    if not confirms:
        left = [link for link in expert.links if link.to != record_id]
        records.save(session, expert.model_copy(update={"links": left}), account.id)
    _tell(session, settings, expert, record_id, row)


def _tell(session: Session, settings: Settings, expert: Record, record_id: str, row: ProofRow) -> None:
    record = records.get(session, record_id).record
    key = f"{expert.id}:{record_id}:{row.decided_at:%Y%m%d%H%M%S%f}"
    account_id = service.account_of_expert(session, expert.id)
    for account in letters.present(session, [account_id] if account_id else []):
        title = letters.title(record, account.language)
        letters.write(
            session, settings, account, "proof_decided", key, "account/profile/proof", expert,
            record=title, outcome="refused" if row.state == "refused" else "confirmed",
        )  # fmt: skip
