"""The gender side: themes, the marker with what speaks for it and against it, the answers to its criteria."""

from typing import Final, Literal

import numpy as np

from indexer.tagging import thresholds as limits
from indexer.tagging.logistic import Numbers
from indexer.tagging.model import CRITERIA, GENDER, THEMES, TaggingModel
from indexer.tagging.passages import evidence, probability, quoted
from indexer.tagging.reading import Understood, gender_words
from schemas.tagging import CriterionSuggestion, Evidence, GenderSuggestion, MarkerSuggestion, ThemeSuggestion

OBJECTIVE: Final = GENDER.index("objective")
PRINCIPAL: Final = GENDER.index("principal")


def suggest(understood: Understood, model: TaggingModel) -> GenderSuggestion:
    """What the model says of a text on gender."""
    logits, close = understood.gender(model)
    order = np.argsort(-logits[: len(THEMES)], kind="stable")
    marker = _marker(understood, logits, close)
    return GenderSuggestion(
        themes=[_theme(understood, int(number), float(logits[number]), close) for number in order],
        marker=marker,
        criteria=[_criterion(understood, criterion, logits, close, marker) for criterion in CRITERIA],
    )


def _theme(understood: Understood, number: int, logit: float, close: Numbers) -> ThemeSuggestion:
    return ThemeSuggestion(
        theme=THEMES[number],
        confidence=probability(logit),
        suggested=logit > limits.THEME,
        evidence=evidence(understood, close[:, number], gender_words(), number),
    )


def _marker(understood: Understood, logits: Numbers, close: Numbers) -> MarkerSuggestion:
    aim, main = probability(float(logits[OBJECTIVE])), probability(float(logits[PRINCIPAL]))
    value: Literal[0, 1, 2] = 0
    if logits[OBJECTIVE] > limits.OBJECTIVE:
        value = 2 if logits[PRINCIPAL] > limits.PRINCIPAL else 1
    sure = round((1 - aim, aim * (1 - main), aim * main)[value], 4)
    speaks_for, against = _for_and_against(understood, close[:, OBJECTIVE])
    first = (against if value == 0 else speaks_for)[:1]
    return MarkerSuggestion(
        value=value,
        confidence=sure,
        suggested=sure >= limits.MARKER,
        evidence=first[0] if first else None,
        speaks_for=speaks_for,
        speaks_against=against,
    )


def _for_and_against(understood: Understood, logits: Numbers) -> tuple[list[Evidence], list[Evidence]]:
    """Sentences that say that equality is an aim, and those that mention women or gender without one; each the clearest
    first."""
    pieces = understood.sentences
    order = [int(number) for number in np.argsort(-logits, kind="stable")]
    speaking = [n for n in order if logits[n] > limits.OBJECTIVE]
    against = [n for n in reversed(order) if logits[n] <= limits.OBJECTIVE and mentions_gender(understood, n)]
    for_it, against_it = (
        [quoted(understood, pieces.spans[n], understood.gender_matches) for n in which[: limits.PASSAGES]]
        for which in (speaking, against)
    )
    return for_it, against_it


def mentions_gender(understood: Understood, sentence: int) -> bool:
    """Whether a sentence has words of the lexicon that speak of women, men or gender, whatever its aim."""
    return bool(
        understood.sentences.goal_words[sentence, GENDER_GOAL] or understood.sentences.gender_words[sentence, OBJECTIVE]
    )


#: The column of goal 5.
GENDER_GOAL: Final = 4


def _criterion(
    understood: Understood, criterion: str, logits: Numbers, close: Numbers, marker: MarkerSuggestion
) -> CriterionSuggestion:
    """The answer where the text gives one that is sure enough."""
    if criterion in ("objective", "principal"):
        return _of_marker(criterion, logits, marker)
    yes, no = GENDER.index(f"{criterion}+"), GENDER.index(f"{criterion}-")
    said = {True: probability(float(logits[yes])), False: probability(float(logits[no]))}
    answer = max(said, key=lambda each: said[each])
    if said[answer] < limits.ANSWER:
        return CriterionSuggestion(
            criterion=criterion, answer=None, confidence=round(1 - max(said.values()), 4), evidence=None
        )
    column = yes if answer else no
    passage = evidence(understood, close[:, column], gender_words(), column)
    return CriterionSuggestion(criterion=criterion, answer=answer, confidence=said[answer], evidence=passage)


def _of_marker(criterion: str, logits: Numbers, marker: MarkerSuggestion) -> CriterionSuggestion:
    """What the proposal for the marker says to its own two questions, where it is sure enough."""
    aim, main = probability(float(logits[OBJECTIVE])), probability(float(logits[PRINCIPAL]))
    yes = aim if criterion == "objective" else aim * main
    answer = marker.value >= (1 if criterion == "objective" else 2)
    sure = round(yes if answer else 1 - yes, 4)
    if sure < limits.ANSWER:
        return CriterionSuggestion(criterion=criterion, answer=None, confidence=round(1 - sure, 4), evidence=None)
    passages = marker.speaks_for if answer else marker.speaks_against
    return CriterionSuggestion(
        criterion=criterion,
        answer=answer,
        confidence=sure,
        evidence=passages[0] if passages else None,
    )
