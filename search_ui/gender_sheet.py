"""What the page of the gender marker shows: each question with its answer, passage and suggestion, and the record's text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy.orm import Session

from indexer.passages import sentences
from indexer.tagging.sections import Reading, Section, find, reading_of
from kb.errors import NotFound
from kb.records import service as records
from kb.records.service import Stored
from kb.tagging import screening, suggestions
from kb.tagging.cases import TAGGED
from kb.tagging.tables import DecisionRow
from schemas.gender_marker import Marker, Result, explain, questions
from schemas.messages import N_
from schemas.tagging import CriterionSuggestion, GenderSuggestion

#: An answer as a form sends it; empty where none was given.
SPOKEN = {True: "yes", False: "no", None: "unknown"}
MEANT = {"yes": True, "no": False}


@dataclass(frozen=True)
class Question:
    """``answer`` is what is chosen in the form; ``suggested``: by the machine, and nobody has said so yet."""

    id: str
    answer: str = ""
    passage: str = ""
    suggested: bool = False
    said: CriterionSuggestion | None = None


@dataclass(frozen=True)
class Sentence:
    """A sentence of the record, and the questions whose passages are in it."""

    text: str
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A record before a person who screens it. ``last`` is the last decision on its marker."""

    stored: Stored
    reading: Reading
    last: DecisionRow | None
    said: GenderSuggestion | None
    questions: list[Question] = field(default_factory=list)

    @property
    def answers(self) -> dict[str, bool]:
        """The answers that are yes or no."""
        return {each.id: MEANT[each.answer] for each in self.questions if each.answer in MEANT}

    @property
    def result(self) -> Result:
        """What follows from the answers that stand in the form."""
        return explain(self.answers)

    @property
    def is_suggested(self) -> bool:
        """Whether some answer is the machine's so far."""
        return any(each.suggested for each in self.questions)

    def text(self) -> list[tuple[str, list[list[Sentence]]]]:
        """The record's text: (path, paragraphs of sentences) of each field."""
        places = {each.id: find(self.reading.text, each.passage) for each in self.questions}
        return [(section.path, list(_paragraphs(section, places))) for section in self.reading.sections]


def sheet_of(session: Session, record_id: str, typed: Mapping[str, str] | None = None) -> Sheet:
    """The record's sheet, with what was typed, else what stands in the record, else what is suggested. Raises NotFound."""
    stored = records.get(session, record_id)
    if stored.record.type not in TAGGED:
        raise NotFound(N_("Records of this kind are not tagged."))
    row = suggestions.latest(session, record_id)
    said = suggestions.read(row).gender if row else None
    sheet = Sheet(stored, reading_of(stored.record), screening.last(session, record_id), said)
    made = [_question(sheet, question, typed) for question in questions()]
    return Sheet(sheet.stored, sheet.reading, sheet.last, sheet.said, made)


def changes(result: Result) -> list[tuple[Marker, bool, list[str]]]:
    """(marker, answer, questions): each of these questions would lead to that marker, were it answered so."""
    found = sorted(result.would_change, key=lambda each: (-each.marker, not each.answer))
    return [
        (marker, answer, [each.question for each in group])
        for (marker, answer), group in groupby(found, key=lambda each: (each.marker, each.answer))
    ]


def _question(sheet: Sheet, id: str, typed: Mapping[str, str] | None) -> Question:
    criteria = sheet.said.criteria if sheet.said else []
    said = next((each for each in criteria if each.criterion == id and each.answer is not None), None)
    if typed is not None:
        return Question(id, typed.get(f"answer.{id}", ""), typed.get(f"passage.{id}", ""), said=said)
    gender = sheet.stored.record.gender
    if gender.marker is not None or gender.checklist:
        answer = SPOKEN[gender.checklist.get(id)] if gender.checklist else ""
        return Question(id, answer, gender.passages.get(id, ""), said=said)
    if said is None or sheet.last is not None:
        return Question(id, said=said)
    passage = said.evidence.passage if said.evidence else ""
    known = passage if find(sheet.reading.text, passage) else ""
    return Question(id, SPOKEN[said.answer], known, suggested=True, said=said)


def _paragraphs(section: Section, places: Mapping[str, tuple[int, int] | None]) -> Iterator[list[Sentence]]:
    """The sentences, each line of the text a paragraph. Short ones stand alone: each can be taken as a passage."""
    end = 0
    for paragraph in filter(str.strip, section.text.splitlines()):
        found = []
        for text in sentences(paragraph.strip()):
            start = section.text.index(text, end)
            end = start + len(text)
            found.append(Sentence(text, _held(section.start + start, section.start + end, places)))
        yield found


def _held(start: int, end: int, places: Mapping[str, tuple[int, int] | None]) -> tuple[str, ...]:
    return tuple(id for id, place in places.items() if place and place[0] < end and start < place[1])
