"""The passage that a suggestion rests on, word for word, with the terms that were found in it."""

from collections.abc import Sequence

import numpy as np

from indexer.tagging import thresholds as limits
from indexer.tagging.cutting import Span
from indexer.tagging.logistic import Numbers
from indexer.tagging.matching import Match, Matcher, within
from indexer.tagging.model import GENDER
from indexer.tagging.reading import Pieces, Understood, gender_words
from schemas.tagging import Evidence


def evidence(reading: Understood, pieces: Pieces, logits: Numbers, matcher: Matcher, column: int) -> Evidence | None:
    """The piece with the highest logit, and the terms of this goal or theme in it; None for an empty text."""
    if not pieces.spans:
        return None
    matches = reading.gender_matches if matcher is gender_words() else reading.goal_matches
    return quoted(reading, pieces.spans[int(np.argmax(logits))], matcher.of_key(column, matches))


def quoted(reading: Understood, span: Span, matches: Sequence[Match]) -> Evidence:
    """A span as evidence, with the terms in it as they are written there, each once."""
    found = within(matches, span.start, span.end)
    terms = dict.fromkeys(reading.text[match.start : match.end] for match in found)
    return Evidence(
        passage=reading.text[span.start : span.end], start=span.start, end=span.end, terms=list(terms)[: limits.TERMS]
    )


def probability(logit: float) -> float:
    """A logit as a probability, to four digits."""
    return round(float(1 / (1 + np.exp(-np.clip(logit, -30, 30)))), 4)


__all__ = ["GENDER", "evidence", "probability", "quoted"]
