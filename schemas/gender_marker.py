"""From the answers to the questions of the vocabulary gender_criteria to the OECD DAC gender equality policy marker, and why.

The marker says what a work set out to do. 0: screened, and equality is not an aim; 1: an explicit aim beside others; 2: the
main reason for the work. 1 and 2 both ask for every minimum criterion of the DAC's handbook; where one is answered no, the aim
is not backed by what the handbook asks for and the work counts as 0. Where the text does not say, the answer stays open and the
marker that depends on it is provisional.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from schemas.base import Model
from schemas.messages import N_
from schemas.vocabulary import load

Marker = Literal[0, 1, 2]
#: Yes, no, or None for "not stated"; a question that is left out is not stated.
Answers = Mapping[str, bool | None]

AIM: Final = "objective"
MAIN: Final = "principal"
#: The minimum criteria that a marker of 1 and one of 2 share.
MINIMUM: Final = ("analysis", "design", "indicator", "disaggregated", "monitoring")
#: What was achieved is told beside the marker and has no part in it.
RESULTS: Final = "results"
#: The criterion that the record's own field ``sex_disaggregated_data`` follows.
BY_SEX: Final = "disaggregated"
#: What the handbook asks of every work, whatever its marker.
_ALWAYS: Final = ("analysis", "design")


class Reason(Model):
    """A sentence (a marked message) and the questions that it is about."""

    text: str
    questions: list[str] = []


class Change(Model):
    """An answer to one question that, given alone, leads to another marker."""

    question: str
    answer: bool
    marker: Marker


class Result(Model):
    """``marker`` is None while the first question is open. ``open`` are the unanswered questions that could still change it;
    with a marker and one of them it is provisional. ``aimed_at`` is the marker that the aim alone would give."""

    marker: Marker | None
    aimed_at: Marker | None
    open: list[str]
    why: list[Reason]
    would_change: list[Change]

    @property
    def provisional(self) -> bool:
        """Whether an answer that is still missing could lead to another marker."""
        return self.marker is not None and bool(self.open)


def questions() -> list[str]:
    """All questions, in the order in which they are asked."""
    return [term.id for term in load("gender_criteria").terms]


def explain(answers: Answers) -> Result:
    """The marker, its reasons, and which single answers would lead to another one."""
    marker = marker_of(answers)
    changes = list(_changes(answers, marker))
    return Result(
        marker=marker,
        aimed_at=_aimed_at(answers),
        open=list(dict.fromkeys(each.question for each in changes if answers.get(each.question) is None)),
        why=list(_reasons(answers, marker)),
        would_change=changes,
    )


def marker_of(answers: Answers) -> Marker | None:
    """The marker; None where it is not answered whether equality is an aim."""
    aimed_at = _aimed_at(answers)
    return 0 if aimed_at and missed(answers) else aimed_at


def missed(answers: Answers) -> list[str]:
    """The minimum criteria that are answered no."""
    return [each for each in MINIMUM if answers.get(each) is False]


def _aimed_at(answers: Answers) -> Marker | None:
    aim = answers.get(AIM)
    if aim is None:
        return None
    return 0 if not aim else 2 if answers.get(MAIN) else 1


def _changes(answers: Answers, marker: Marker | None) -> Iterator[Change]:
    for question in questions():
        for answer in (True, False):
            other = marker_of({**answers, question: answer})
            if other is not None and other != marker:
                yield Change(question=question, answer=answer, marker=other)


def _reasons(answers: Answers, marker: Marker | None) -> Iterator[Reason]:
    if marker is None:
        yield Reason(text=N_("Without an answer to the first question there is no marker."), questions=[AIM])
        return
    yield _of_aim(answers)
    if answers.get(AIM):
        yield from _of_criteria(answers)
    elif refused := [each for each in _ALWAYS if answers.get(each) is False]:
        yield Reason(
            text=N_(
                "This does not change the marker, but the handbook asks it of every work, so that nobody is harmed."
            ),
            questions=refused,
        )


def _of_aim(answers: Answers) -> Reason:
    if not answers.get(AIM):
        return Reason(text=N_("Making women and men more equal is not an explicit aim."), questions=[AIM])
    match answers.get(MAIN):
        case True:
            text = N_("Equality is an explicit aim, and the main reason for the work.")
        case False:
            text = N_("Equality is an explicit aim, but not the main reason for the work.")
        case _:
            text = N_(
                "Equality is an explicit aim. Nothing says that it is the main one, so it counts as one among others."
            )
    return Reason(text=text, questions=[AIM, MAIN])


def _of_criteria(answers: Answers) -> Iterator[Reason]:
    unknown = [each for each in MINIMUM if answers.get(each) is None]
    if refused := missed(answers):
        text = N_("A marker of 1 or 2 asks for all minimum criteria of the DAC handbook; these are not met.")
        yield Reason(text=text, questions=refused)
    elif unknown:
        text = N_("Nothing says whether these minimum criteria are met; if one is not, the marker is 0.")
        yield Reason(text=text, questions=unknown)
    else:
        yield Reason(text=N_("All minimum criteria of the DAC handbook are met."), questions=[*MINIMUM])
