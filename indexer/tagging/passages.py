"""The passage that a suggestion rests on, word for word, with the terms that were found in it."""

from collections.abc import Sequence

import numpy as np

from indexer.tagging import thresholds as limits
from indexer.tagging.cutting import Span
from indexer.tagging.logistic import Numbers
from indexer.tagging.matching import Match, Matcher, within
from indexer.tagging.reading import Understood, gender_words
from schemas.tagging import Evidence


def evidence(understood: Understood, logits: Numbers, matcher: Matcher, column: int) -> Evidence | None:
    """The sentence with the highest logit, and the terms of this goal or theme in it; None for an empty text."""
    spans = understood.sentences.spans
    if not spans:
        return None
    matches = understood.gender_matches if matcher is gender_words() else understood.goal_matches
    return quoted(understood, spans[int(np.argmax(logits))], matcher.of_key(column, matches))


def quoted(understood: Understood, span: Span, matches: Sequence[Match]) -> Evidence:
    """A span as evidence, with the terms in it as they are written there, each once."""
    found = within(matches, span.start, span.end)
    terms = dict.fromkeys(understood.text[match.start : match.end] for match in found)
    return Evidence(
        passage=understood.text[span.start : span.end],
        start=span.start,
        end=span.end,
        terms=list(terms)[: limits.TERMS],
    )


def probability(logit: float) -> float:
    """A logit as a probability, to four digits."""
    return round(float(1 / (1 + np.exp(-np.clip(logit, -30, 30)))), 4)
