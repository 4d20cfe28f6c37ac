"""Samples: records that several people tag without seeing each other's tags, the record's or the machine's; what they agree on
says how far tags can be trusted.

A record is read by as many people as its sample says, and by no more. Before it is complete nobody sees what was said of it;
after that nobody reads it any more. So no reading can be influenced by another.
"""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.audit import service as audit
from kb.db import utcnow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.records import service as records
from kb.records.tables import RecordRow
from kb.tagging import agreement, cases, suggestions
from kb.tagging.agreement import MACHINE, Read
from kb.tagging.tables import ReadingRow, SampleRecordRow, SampleRow, TagCaseRow
from schemas.accounts import Account
from schemas.language import LANGUAGES, Language
from schemas.messages import N_
from schemas.readings import SampleRule, TagReading
from schemas.records import Record

#: Samples that the page lists.
MOST: Final = 100


@dataclass(frozen=True)
class Sample:
    """A sample with its records in order, and who has read each."""

    row: SampleRow
    rule: SampleRule
    record_ids: list[str]
    readers: dict[str, set[str]]

    def is_complete(self, record_id: str) -> bool:
        """Whether as many people have read the record as should."""
        return len(self.readers.get(record_id, ())) >= self.rule.readers

    @property
    def complete(self) -> list[str]:
        """The records that as many people have read as should."""
        return [record_id for record_id in self.record_ids if self.is_complete(record_id)]

    def left_for(self, account_id: str) -> list[str]:
        """The records that this person can still read, in order."""
        return [
            record_id
            for record_id in self.record_ids
            if not self.is_complete(record_id) and account_id not in self.readers.get(record_id, ())
        ]

    def done_by(self, account_id: str) -> int:
        """How many records this person has read."""
        return sum(account_id in readers for readers in self.readers.values())


# Drawing


def draw(session: Session, account: Account, name: str, rule: SampleRule) -> SampleRow:
    """Draw a sample: from each language the same number of records, as far as there are so many. Raises Forbidden, and
    Invalid where the rule leaves no record."""
    _may(account)
    drawn = choose(_population(session, rule), rule)
    if not drawn:
        raise Invalid(N_("No published record is like that."), field="size")
    row = SampleRow(name=name, drawn_by=account.id, drawn_at=utcnow(), rule=rule.model_dump(mode="json"))
    session.add(row)
    session.flush()
    session.add_all(
        SampleRecordRow(sample_id=row.id, record_id=record_id, position=at) for at, record_id in enumerate(drawn)
    )
    audit.note(session, account.id, "tag.sample", str(row.id), records=len(drawn), seed=rule.seed)
    session.flush()
    return row


def _may(account: Account) -> None:
    if not account.may("review"):
        raise Forbidden(N_("Only the editorial team can do this."))


def _population(session: Session, rule: SampleRule) -> dict[Language, list[str]]:
    """Ids of the published records that the rule lets in, by language, in order."""
    query = select(RecordRow.id, RecordRow.language).where(
        RecordRow.status == "published", RecordRow.type.in_(rule.types or cases.TAGGED)
    )
    if rule.languages:
        query = query.where(RecordRow.language.in_(rule.languages))
    if rule.regions:
        there = select(TagCaseRow.record_id).where(TagCaseRow.region.in_(rule.regions))
        query = query.where(RecordRow.id.in_(there))
    found: dict[Language, list[str]] = {language: [] for language in LANGUAGES}
    for record_id, language in session.execute(query.order_by(RecordRow.id)):
        found[language].append(record_id)  # type: ignore[index]
    return found


def choose(population: dict[Language, list[str]], rule: SampleRule) -> list[str]:
    """The records that the rule draws from these, in the order in which they are read; the same each time."""
    shares = _shares({language: len(ids) for language, ids in population.items()}, rule.size)
    found: list[str] = []
    for language in sorted(shares):
        found += random.Random(f"{rule.seed} {language}").sample(population[language], shares[language])
    random.Random(rule.seed).shuffle(found)
    return found


def _shares(there: dict[Language, int], size: int) -> dict[Language, int]:
    """How many records of each language: equally many, and what a small one does not have goes to the others."""
    found: dict[Language, int] = {}
    # From the smallest on, so that what it leaves is known before the others take their part.
    for position, language in enumerate(sorted(there, key=lambda each: (there[each], each))):
        left = size - sum(found.values())
        found[language] = min(there[language], left // (len(there) - position))
    return found


# Reading


def get(session: Session, sample_id: int) -> Sample:
    """One sample. Raises NotFound."""
    row = session.get(SampleRow, sample_id)
    if row is None:
        raise NotFound(N_("There is no such sample."))
    return _with_readers(session, [row])[0]


def newest(session: Session) -> list[Sample]:
    """The samples, the newest first."""
    return _with_readers(session, session.scalars(select(SampleRow).order_by(SampleRow.id.desc()).limit(MOST)).all())


def _with_readers(session: Session, rows: Iterable[SampleRow]) -> list[Sample]:
    by_id = {row.id: row for row in rows}
    members: dict[int, list[str]] = defaultdict(list)
    readers: dict[int, dict[str, set[str]]] = defaultdict(dict)
    order = select(SampleRecordRow.sample_id, SampleRecordRow.record_id).where(SampleRecordRow.sample_id.in_(by_id))
    for sample_id, record_id in session.execute(order.order_by(SampleRecordRow.position)):
        members[sample_id].append(record_id)
    read = select(ReadingRow.sample_id, ReadingRow.record_id, ReadingRow.account_id)
    for sample_id, record_id, account_id in session.execute(read.where(ReadingRow.sample_id.in_(by_id))):
        readers[sample_id].setdefault(record_id, set()).add(account_id)
    return [
        Sample(row, SampleRule.model_validate(row.rule), members[row.id], readers[row.id]) for row in by_id.values()
    ]


def own(session: Session, account: Account, sample_id: int, record_id: str) -> TagReading | None:
    """How this person tagged the record, if they have."""
    row = session.get(ReadingRow, (sample_id, record_id, account.id))
    return TagReading.model_validate(row.tags) if row else None


def refusal(sample: Sample, account: Account, record_id: str) -> Conflict | NotFound | None:
    """Why this person cannot read (or correct) this record any more; None where they can."""
    if record_id not in sample.record_ids:
        return NotFound(N_("This record is not in the sample."))
    if sample.is_complete(record_id):
        return Conflict(N_("Enough people have read this record already."))
    return None


def give(session: Session, account: Account, sample_id: int, record_id: str, reading: TagReading) -> None:
    """Note how this person tags a record. Until others have read it too, it can be corrected. Raises Forbidden, NotFound,
    Conflict where enough people have read it."""
    _may(account)
    records.hold(session, record_id)
    sample = get(session, sample_id)
    if refused := refusal(sample, account, record_id):
        raise refused
    row = session.get(ReadingRow, (sample_id, record_id, account.id), populate_existing=True)
    if row is None:
        row = ReadingRow(sample_id=sample_id, record_id=record_id, account_id=account.id)
        session.add(row)
    row.tags, row.at = reading.model_dump(mode="json"), utcnow()
    session.flush()


# What came of it


def reads(session: Session, sample: Sample) -> list[Read]:
    """What people said of the records that are complete."""
    complete = set(sample.complete)
    languages = {
        record_id: stored.record.language for record_id, stored in records.load(session, sample.record_ids).items()
    }
    query = select(ReadingRow).where(ReadingRow.sample_id == sample.row.id)
    found = []
    for row in session.scalars(query.order_by(ReadingRow.record_id, ReadingRow.account_id)):
        if row.record_id in complete and row.record_id in languages:
            tags = TagReading.model_validate(row.tags)
            found.append(_read(row.record_id, languages[row.record_id], row.account_id, tags))
    return found


def _read(record_id: str, language: Language, person: str, tags: TagReading) -> Read:
    return Read(record_id, language, person, frozenset(tags.goals), frozenset(tags.themes), tags.marker)


def machine_reads(session: Session, sample: Sample) -> list[Read]:
    """What the machine said last of the records that are complete."""
    found = []
    for record_id, row in suggestions.latest_of(session, sample.complete).items():
        said = suggestions.read(row)
        goals = [each.goal for each in said.sdgs if each.suggested]
        themes = [each.theme for each in said.gender.themes if each.suggested]
        tags = TagReading(goals=goals, themes=themes, marker=said.gender.marker.value)
        found.append(_read(record_id, said.language, MACHINE, tags))
    return found


def figures(session: Session, sample: Sample) -> tuple[agreement.Figure, ...]:
    """How far they agree, and the machine with them."""
    return agreement.figures(tuple(reads(session, sample)), tuple(machine_reads(session, sample)))


@dataclass(frozen=True)
class Difference:
    """A goal, theme or the marker on which the readers of a record differ. ``said``: account to answer, for the marker its
    value, else whether it was given. ``standing`` is the code of the tag on it that stands in the record, if one does, and
    ``disputed`` whether it is disputed."""

    record: Record
    kind: Literal["sdg", "theme", "gender"]
    key: str
    said: dict[str, str]
    standing: str
    disputed: bool


def differences(session: Session, sample: Sample) -> list[Difference]:
    """All of them, in the order of the sample."""
    by_record: dict[str, list[Read]] = defaultdict(list)
    for read in reads(session, sample):
        by_record[read.record_id].append(read)
    stored = records.load(session, [record_id for record_id in sample.record_ids if record_id in by_record])
    return [
        difference
        for record_id, found in stored.items()
        for difference in _differences(found.record, by_record[record_id])
    ]


def _differences(record: Record, reads: list[Read]) -> list[Difference]:
    found: list[Difference] = []
    for kind, given in (("sdg", [read.goals for read in reads]), ("theme", [read.themes for read in reads])):
        for key in sorted(frozenset().union(*given) - frozenset.intersection(*given), key=_order):
            said = {read.person: "yes" if key in tags else "no" for read, tags in zip(reads, given, strict=True)}
            found.append(_difference(record, "sdg" if kind == "sdg" else "theme", key, said))
    if len({read.marker for read in reads}) > 1:
        said = {read.person: "unsure" if read.marker is None else str(read.marker) for read in reads}
        found.append(Difference(record, "gender", "gender", said, "", record.gender.state == "disputed"))
    return found


def _order(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdecimal() else (0, key)


def _difference(record: Record, kind: Literal["sdg", "theme"], key: str, said: dict[str, str]) -> Difference:
    tags = (
        {tag.code: tag for tag in record.sdgs if tag.goal == key}
        if kind == "sdg"
        else {tag.theme: tag for tag in record.gender.themes if tag.theme == key}
    )
    standing = next((code for code, tag in tags.items() if tag.state in ("accepted", "disputed")), "")
    disputed = any(tag.state == "disputed" for tag in tags.values())
    return Difference(record, kind, key, said, standing, disputed)
