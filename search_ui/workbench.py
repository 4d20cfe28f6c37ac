"""One record on the tagging workbench: its text with the passages marked, and what can be decided: a card for each goal and
theme, and for each tag that stands."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy.orm import Session

from indexer.tagging.sections import Reading, Section, find, reading_of
from kb.accounts import service as accounts
from kb.records import service as records
from kb.records.service import Stored
from kb.tagging import cases, decisions, disputes, suggestions
from kb.tagging.decisions import Tag, code_of
from kb.tagging.tables import DecisionRow, SuggestionRow, TagCaseRow
from schemas.language import Language
from schemas.records import Record
from schemas.tagging import Evidence, GoalSuggestion, Suggestions, TagKind, TargetSuggestion, ThemeSuggestion
from schemas.tags import SdgTag
from schemas.vocabulary import load
from search_ui.i18n import N_, gettext

Offered = GoalSuggestion | ThemeSuggestion
State = Literal["waiting", "accepted", "disputed", "suggested", "rejected", "none"]

#: Confidence in words, from how much on.
SURE: Final = ((0.88, N_("very likely")), (0.5, N_("likely")), (0.2, N_("possible")), (0.0, N_("unlikely")))
#: Targets that are offered at once.
_TARGETS: Final = 3
SOURCES: Final = {
    "author": N_("from the author"), "machine": N_("suggested by the model"), "staff": N_("from the editorial team"),
}  # fmt: skip
CONTRIBUTIONS: Final = {"direct": N_("direct"), "indirect": N_("indirect"), "negative": N_("negative")}
#: What was decided, by action, in a list of decisions.
DONE: Final = {
    "accept": N_("Accepted"), "reject": N_("Rejected"), "add": N_("Added"), "change": N_("Changed"),
    "remove": N_("Removed"), "mark": N_("Gender marker set"), "dispute": N_("Disputed"), "resolve": N_("Dispute settled"),
    "undo": N_("Taken back"),
}  # fmt: skip


def sure(confidence: float) -> str:
    """A confidence in words, to be translated."""
    return next(words for least, words in SURE if confidence >= least)


@dataclass(frozen=True)
class Quote:
    """A passage that a card rests on. ``place`` is where it stands in the text, None where it does not any more;
    ``language`` is that of the passage where it is not the text's: it is quoted from a translation."""

    passage: str
    terms: list[str]
    place: tuple[int, int] | None
    language: str | None = None


@dataclass(frozen=True)
class Card:
    """What one decides on: a tag that stands, or a goal or theme without one. ``seen`` is the last decision on it."""

    id: str
    kind: TagKind
    key: str
    code: str
    state: State
    tag: Tag | None
    offered: Offered | None
    quote: Quote | None
    last: DecisionRow | None
    seen: int
    undo_id: int
    #: The lines that j and k stop at come before those that are folded away.
    is_folded: bool

    @property
    def targets(self) -> list[TargetSuggestion]:
        """Up to three targets to choose from, best first; none of a theme."""
        return self.offered.targets[:_TARGETS] if isinstance(self.offered, GoalSuggestion) else []

    @property
    def chosen(self) -> str:
        """The goal or target that stands, or that is suggested: what is chosen before one chooses."""
        if isinstance(self.tag, SdgTag):
            return self.tag.code
        return (isinstance(self.offered, GoalSuggestion) and self.offered.target) or self.code

    @property
    def all_targets(self) -> list[str]:
        """The ids of all targets of the goal."""
        return [term.id for term in load("sdgs").narrower(self.key)] if self.kind == "sdg" else []

    @property
    def sure(self) -> str:
        """The confidence in words."""
        return sure(self.offered.confidence if self.offered else 0.0)


@dataclass(frozen=True)
class Piece:
    """A stretch of a section; ``cards`` are the ids of those whose passage it is in, ``begins`` those that begin here."""

    text: str
    cards: list[str]
    begins: list[Card]


@dataclass(frozen=True)
class Part:
    """A section of the text in pieces."""

    path: str
    pieces: list[Piece]


def who_decided(session: Session, made: Sequence[DecisionRow], language: Language) -> dict[int, str]:
    """The name of who made each of these decisions, by the decision's id."""
    names, unnamed = accounts.names(session, {row.account_id for row in made}), disputes.unnamed(made)
    later = gettext(N_("Somebody, named once it is settled"), language)
    erased = gettext(N_("Somebody who was erased"), language)
    return {row.id: later if row.id in unnamed else names.get(row.account_id) or erased for row in made}


@dataclass(frozen=True)
class Bench:
    """All that the page shows. ``row`` is None for a record that the queue does not know yet; ``is_old`` says that the
    suggestions are of an earlier text."""

    stored: Stored
    reading: Reading
    row: TagCaseRow | None
    suggestion: SuggestionRow | None
    is_old: bool
    cards: list[Card]
    parts: list[Part]
    made: list[DecisionRow]
    undoable: list[int]

    @property
    def record(self) -> Record:
        """The record itself."""
        return self.stored.record

    @property
    def waiting(self) -> int:
        """On how many cards nobody has decided."""
        return sum(card.state == "waiting" for card in self.cards)

    @property
    def last(self) -> int:
        """The newest decision on the record, 0 for none."""
        return self.made[-1].id if self.made else 0

    @property
    def has_primary(self) -> bool:
        """Whether there is a main goal."""
        return any(tag.primary for tag in self.record.sdgs)


def bench(session: Session, record_id: str, account_id: str) -> Bench:
    """The record as it stands, with what this person can take back. Raises NotFound."""
    stored = records.get(session, record_id)
    reading = reading_of(stored.record)
    row = session.get(TagCaseRow, record_id)
    said = cases.suggestion_of(session, row) if row else None
    made = cases.decisions_of(session, record_id)
    undoable = [each.id for each in decisions.undoable(made, account_id)]
    cards = list(_cards(stored.record, reading, said, made, undoable))
    return Bench(
        stored=stored,
        reading=reading,
        row=row,
        suggestion=said,
        is_old=said is not None and said.text_key != reading.key,
        cards=sorted(cards, key=_order),
        parts=[_part(section, cards) for section in reading.sections],
        made=made,
        undoable=undoable,
    )


def _order(card: Card) -> tuple[bool, bool, float]:
    """By the suggestion, which stays where it is when something is decided: nothing jumps about."""
    return card.is_folded, card.kind == "theme", -(card.offered.confidence if card.offered else 1.0)


# Cards


def _cards(
    record: Record, reading: Reading, row: SuggestionRow | None, made: Sequence[DecisionRow], undoable: list[int]
) -> Iterator[Card]:
    offers = _offers(suggestions.read(row) if row else None)
    for kind, key in _subjects():
        here = [each for each in made if (each.kind, each.key) == (kind, key)]
        offered = offers.get((kind, key))
        tags = _tags(record, kind, key)
        for number, tag in enumerate(tags or [None]):
            code = code_of(tag) if tag else key
            state = _state(tag, offered, here, reading.key)
            yield Card(
                id=f"{kind}-{(code if number else key).replace('.', '-')}",
                kind=kind,
                key=key,
                code=code,
                state=state,
                tag=tag,
                offered=offered,
                quote=_quote(tag, offered, reading),
                last=here[-1] if here else None,
                seen=here[-1].id if here else 0,
                undo_id=next((each.id for each in reversed(here) if each.id in undoable), 0),
                is_folded=state == "none",
            )


def _subjects() -> Iterator[tuple[TagKind, str]]:
    yield from (("sdg", term.id) for term in load("sdgs").top())
    yield from (("theme", term.id) for term in load("gender_themes").top())


def _offers(said: Suggestions | None) -> dict[tuple[TagKind, str], Offered]:
    if said is None:
        return {}
    goals: dict[tuple[TagKind, str], Offered] = {("sdg", each.goal): each for each in said.sdgs}
    return goals | {("theme", each.theme): each for each in said.gender.themes}


def _tags(record: Record, kind: TagKind, key: str) -> list[Tag]:
    tags: Iterable[Tag] = record.sdgs if kind == "sdg" else record.gender.themes
    return [tag for tag in tags if code_of(tag).split(".")[0] == key]


def _state(tag: Tag | None, offered: Offered | None, here: list[DecisionRow], text_key: str) -> State:
    if tag is not None:
        return tag.state
    last = next((each for each in reversed(here) if each.action != "undo" and not each.undone_by), None)
    if last and last.after is None and last.text_key in (text_key, ""):
        return "rejected"
    return "waiting" if offered and offered.suggested else "none"


def _quote(tag: Tag | None, offered: Offered | None, reading: Reading) -> Quote | None:
    evidence = offered.evidence if offered else None
    if tag and tag.passage:
        terms = evidence.terms if evidence and evidence.passage == tag.passage else []
        elsewhere = tag.passage_language if tag.passage_language != reading.language else None
        place = None if elsewhere else find(reading.text, tag.passage, evidence.start if evidence else 0)
        return Quote(tag.passage, terms, place, elsewhere)
    return _of_evidence(evidence, reading) if evidence and not tag else None


def _of_evidence(evidence: Evidence, reading: Reading) -> Quote:
    return Quote(evidence.passage, evidence.terms, find(reading.text, evidence.passage, evidence.start))


# The text


def _part(section: Section, cards: list[Card]) -> Part:
    """The section, cut wherever a passage begins or ends."""
    shown = [
        (max(start, section.start), min(end, section.end), start, card)
        for card in cards
        if card.quote and card.quote.place and not card.is_folded and card.state != "rejected"
        for start, end in [card.quote.place]
        if start < section.end and end > section.start
    ]
    edges = sorted({section.start, section.end, *(start for start, *_ in shown), *(end for _, end, *_ in shown)})
    pieces = [
        Piece(
            section.text[start - section.start : end - section.start],
            [card.id for first, last, _, card in shown if first <= start and end <= last],
            [card for *_, begins, card in shown if begins == start],
        )
        for start, end in itertools.pairwise(edges)
    ]
    return Part(section.path, pieces)


def taken(reading: Reading, passage: str) -> str | None:
    """A passage as the text itself writes it; None where it is not in the text word for word."""
    place = find(reading.text, passage)
    return reading.text[place[0] : place[1]] if place else None


def options(language: Language) -> list[tuple[str, list[tuple[str, str]]]]:
    """(group, (value, text)) of everything that a passage can be tagged with: ``sdg:5.2``, ``theme:care``."""
    goals, themes = load("sdgs"), load("gender_themes")
    grouped = [
        (
            f"{goal.id}. {goal.label[language]}",
            [(f"sdg:{term.id}", f"{term.id} {term.label[language]}") for term in (goal, *goals.narrower(goal.id))],
        )
        for goal in goals.top()
    ]
    return [*grouped, (themes.label[language], [(f"theme:{term.id}", term.label[language]) for term in themes.top()])]
