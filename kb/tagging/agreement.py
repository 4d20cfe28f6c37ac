"""How far people agree who tagged the same records without seeing each other: Cohen's kappa and Krippendorff's alpha.

What is compared is a yes or no for each goal and each theme, and the value of the marker. The coefficients are nltk's.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final, Literal

from schemas.language import Language
from schemas.vocabulary import load

#: Records below which a figure says nothing.
FEW: Final = 10
#: Alpha from which tags can be relied on, and from which they allow cautious conclusions, as Krippendorff has it.
RELIABLE: Final = 0.8
TENTATIVE: Final = 0.667
#: The program among the persons.
MACHINE: Final = "machine"

#: goals and themes: all of them together; goal and theme: one of them.
Subject = Literal["goals", "themes", "marker", "goal", "theme"]
Scope = Literal["all", "language", "pair", "machine"]
#: How to read a figure: too few to say, never given (or always), reliable, tentative, weak.
Word = Literal["few", "same", "reliable", "tentative", "weak"]

_SUBJECTS: Final[tuple[Subject, ...]] = ("goals", "themes", "marker")


@dataclass(frozen=True)
class Read:
    """How one person (an account's id, or ``MACHINE``) tags a record. ``marker``: None where it cannot be told."""

    record_id: str
    language: Language
    person: str
    goals: frozenset[str]
    themes: frozenset[str]
    marker: int | None


@dataclass(frozen=True)
class Figure:
    """Agreement on one subject. ``of``: the goal, theme, language or two persons (with a blank between) that it is about.

    ``records`` were compared, with ``readings`` of them; ``given`` is how often the answer was yes (of the marker: not 0).
    ``same`` is the share of pairs of answers that are equal, kappa the mean over pairs of persons, weighted by the records
    that both read. kappa and alpha are None where all answers are the same, for then chance alone explains it.
    """

    scope: Scope
    subject: Subject
    of: str
    records: int
    readings: int
    given: int
    same: float | None
    kappa: float | None
    alpha: float | None

    @property
    def word(self) -> Word:
        """How to read it."""
        if self.records < FEW:
            return "few"
        if self.alpha is None:
            return "same"
        return "reliable" if self.alpha >= RELIABLE else "tentative" if self.alpha >= TENTATIVE else "weak"


#: (person, what was answered on, the answer)
Answer = tuple[str, str, str]


@lru_cache(16)
def figures(all_reads: tuple[Read, ...], machine: tuple[Read, ...] = ()) -> tuple[Figure, ...]:
    """All figures of these readings: over all, by language, by pair of persons, by goal, by theme, and of the machine with
    people. Records that only one person has read are left out. Kept: for 200 records they take a second."""
    reads = _shared(all_reads)
    people = sorted({read.person for read in reads})
    found = [_figure("all", subject, "", reads) for subject in _SUBJECTS]
    for language in sorted({read.language for read in reads}):
        some = [read for read in reads if read.language == language]
        found += [_figure("language", subject, language, some) for subject in _SUBJECTS]
    for pair in combinations(people, 2):
        both = _shared([read for read in reads if read.person in pair])
        found += [_figure("pair", subject, " ".join(pair), both) for subject in _SUBJECTS if both]
    found += [_figure("all", "goal", goal.id, reads) for goal in load("sdgs").top()]
    found += [_figure("all", "theme", theme.id, reads) for theme in load("gender_themes").terms]
    beside = _beside(reads, machine)
    return (*found, *(_figure("machine", subject, "", beside) for subject in _SUBJECTS if beside))


def _shared(reads: Iterable[Read]) -> list[Read]:
    """Those of records that at least two have read."""
    by_record: dict[str, list[Read]] = defaultdict(list)
    for read in reads:
        by_record[read.record_id].append(read)
    return [read for found in by_record.values() if len(found) > 1 for read in found]


def _beside(reads: Iterable[Read], machine: Iterable[Read]) -> list[Read]:
    """Each reading of a person as a record of its own, which the machine has read too."""
    said = {read.record_id: read for read in machine}
    found: list[Read] = []
    for read in reads:
        if other := said.get(read.record_id):
            once = f"{read.record_id}/{read.person}"
            found += [
                Read(once, read.language, who, each.goals, each.themes, each.marker)
                for who, each in (("person", read), (MACHINE, other))
            ]
    return found


def _figure(scope: Scope, subject: Subject, of: str, reads: Sequence[Read]) -> Figure:
    answers = [answer for read in reads for answer in _answers(read, subject, of)]
    records = {read.record_id.partition("/")[0] for read in reads}
    no = "0" if subject == "marker" else "no"
    return Figure(
        scope, subject, of, len(records), len(reads), sum(answer[2] != no for answer in answers),
        _same(answers), kappa(answers), alpha(answers),
    )  # fmt: skip


def _answers(read: Read, subject: Subject, of: str) -> list[Answer]:
    if subject == "marker":
        return [(read.person, read.record_id, "unsure" if read.marker is None else str(read.marker))]
    if subject in ("goal", "theme"):
        asked, given = [of], read.goals if subject == "goal" else read.themes
    elif subject == "goals":
        asked, given = [goal.id for goal in load("sdgs").top()], read.goals
    else:
        asked, given = [theme.id for theme in load("gender_themes").terms], read.themes
    return [(read.person, f"{read.record_id} {each}", "yes" if each in given else "no") for each in asked]


def _by_person(answers: Iterable[Answer]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for person, item, answer in answers:
        found.setdefault(person, {})[item] = answer
    return found


def _same(answers: Iterable[Answer]) -> float | None:
    equal = compared = 0
    for (_, one), (_, other) in combinations(sorted(_by_person(answers).items()), 2):
        shared = one.keys() & other.keys()
        compared += len(shared)
        equal += sum(one[item] == other[item] for item in shared)
    return equal / compared if compared else None


def kappa(answers: Iterable[Answer]) -> float | None:
    """Cohen's kappa, the mean over pairs of persons weighted by what both answered; pairs whose answers are all the same
    are left out, and None if no other is left."""
    from nltk.metrics.agreement import AnnotationTask  # half a second, for a page that few people open

    total = weight = 0.0
    for (first, one), (second, other) in combinations(sorted(_by_person(answers).items()), 2):
        shared = sorted(one.keys() & other.keys())
        if len({answers[item] for answers in (one, other) for item in shared}) < 2:
            continue
        pair = [(who, item, said[item]) for who, said in ((first, one), (second, other)) for item in shared]
        total += len(shared) * float(AnnotationTask(pair).kappa())
        weight += len(shared)
    return total / weight if weight else None


def alpha(answers: Iterable[Answer]) -> float | None:
    """Krippendorff's alpha for names without an order, over all persons and with gaps; None where nothing was answered by two
    people, or all answers are the same."""
    from nltk.metrics.agreement import AnnotationTask

    by_item: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_item[answer[1]].append(answer)
    shared = [answer for found in by_item.values() if len(found) > 1 for answer in found]
    if len({answer for _, _, answer in shared}) < 2:
        return None
    return float(AnnotationTask(shared).alpha())
