"""The gender side: themes, the marker with what speaks for it and against it, the answers to its criteria."""

from typing import Final, Literal

import numpy as np

from indexer.tagging import thresholds as limits
from indexer.tagging.model import CRITERIA, GENDER, THEMES
from indexer.tagging.passages import evidence, probability, quoted
from indexer.tagging.reading import Understood, gender_words, of_all
from schemas.tagging import CriterionSuggestion, Evidence, GenderSuggestion, MarkerSuggestion, ThemeSuggestion

OBJECTIVE: Final = GENDER.index("objective")
PRINCIPAL: Final = GENDER.index("principal")


def suggest(reading: Understood) -> GenderSuggestion:
    """What the model says of a text on gender."""
    logits = of_all(reading.windows.gender) if reading.windows.spans else np.full(len(GENDER), -9.0)
    themes = [
        _theme(reading, number, float(logits[number])) for number in np.argsort(-logits[: len(THEMES)], kind="stable")
    ]
    marker = _marker(reading, float(logits[OBJECTIVE]), float(logits[PRINCIPAL]))
    return GenderSuggestion(themes=themes, marker=marker, criteria=_criteria(marker))


def _theme(reading: Understood, number: int, logit: float) -> ThemeSuggestion:
    return ThemeSuggestion(
        theme=THEMES[number],
        confidence=probability(logit),
        suggested=logit > limits.THEME,
        evidence=evidence(reading, reading.sentences, reading.sentences.gender[:, number], gender_words(), number),
    )


def _marker(reading: Understood, objective: float, principal: float) -> MarkerSuggestion:
    aim, main = probability(objective), probability(principal)
    value: Literal[0, 1, 2] = 0
    if objective > limits.OBJECTIVE:
        value = 2 if principal > limits.PRINCIPAL else 1
    sure = round((1 - aim, aim * (1 - main), aim * main)[value], 4)
    speaks_for, against = _for_and_against(reading)
    first = (against if value == 0 else speaks_for)[:1]
    return MarkerSuggestion(
        value=value,
        confidence=sure,
        suggested=sure >= limits.MARKER,
        evidence=first[0] if first else None,
        speaks_for=speaks_for,
        speaks_against=against,
    )


def _for_and_against(reading: Understood) -> tuple[list[Evidence], list[Evidence]]:
    """Sentences that say that equality is an aim, and those that mention women or gender without one; each the clearest
    first."""
    pieces = reading.sentences
    logits = pieces.gender[:, OBJECTIVE]
    order = [int(number) for number in np.argsort(-logits, kind="stable")]
    speaking = [n for n in order if logits[n] > limits.OBJECTIVE]
    against = [n for n in reversed(order) if logits[n] <= limits.OBJECTIVE and pieces.gender_words[n].any()]
    for_it, against_it = (
        [quoted(reading, pieces.spans[n], reading.gender_matches) for n in which[: limits.PASSAGES]]
        for which in (speaking, against)
    )
    return for_it, against_it


def _criteria(marker: MarkerSuggestion) -> list[CriterionSuggestion]:
    answers = {"objective": marker.value > 0, "principal": marker.value == 2}
    return [
        CriterionSuggestion(
            criterion=criterion,
            answer=answers.get(criterion),
            confidence=marker.confidence if criterion in answers else 0,
            evidence=marker.evidence if criterion in answers else None,
        )
        for criterion in CRITERIA
    ]
