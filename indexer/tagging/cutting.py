"""A text into sentences and windows, each with its place: what is shown is always ``text[start:end]``."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

#: Characters: a shorter sentence is joined with its neighbour, a longer one is cut at white space.
SHORT: Final = 40
LONG: Final = 600
#: Sentences that one vector is made of, and characters: beyond that a vector blurs.
TOGETHER: Final = 3
WINDOW: Final = 700

#: Where a sentence ends: at its sign, before what may begin the next one; or at the end of a line.
_END: Final = re.compile(r"(?<=[.!?…])[\"'»”’)]*\s+(?=[\"'«“‘(¿¡•–-]*\s?[^\W\d_a-zà-ÿ]|\d)|\s*[\r\n]+\s*")
_BLANK: Final = re.compile(r"\s*")


class Span(NamedTuple):
    """``text[start:end]``."""

    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """The sentences, in order, without the white space around them; none for a text without any character."""
    joined: list[Span] = []
    for span in (piece for sentence in _sentences(text) for piece in _cut(text, sentence)):
        if joined and joined[-1].end - joined[-1].start < SHORT and span.end - joined[-1].start <= LONG:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    if len(joined) > 1 and joined[-1].end - joined[-1].start < SHORT:
        *joined, before, last = joined
        joined.append(Span(before.start, last.end))
    return joined


def windows(spans: Sequence[Span]) -> list[range]:
    """Neighbouring sentences by their numbers, about ``TOGETHER`` at a time and evenly many, none over ``WINDOW``
    characters unless one sentence is."""
    many = -(-len(spans) // TOGETHER)
    bounds = [round(part * len(spans) / many) for part in range(many + 1)] if many else []
    return [piece for start, end in pairwise(bounds) for piece in _within(spans, start, end)]


def _within(spans: Sequence[Span], start: int, end: int) -> Iterator[range]:
    first = start
    for number in range(start + 1, end):
        if spans[number].end - spans[first].start > WINDOW:
            yield range(first, number)
            first = number
    yield range(first, end)


def _sentences(text: str) -> Iterator[Span]:
    start = _after_blanks(text, 0)
    for found in _END.finditer(text):
        # Quotation marks that close the sentence are its own.
        end = found.end() - len(found.group().lstrip("\"'»”’)"))
        if end > start:
            yield Span(start, end)
            start = found.end()
    end = len(text.rstrip())
    if end > start:
        yield Span(start, end)


def _after_blanks(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start


def _cut(text: str, span: Span) -> Iterator[Span]:
    start, end = span
    while end - start > LONG:
        at = text.rfind(" ", start + 1, start + LONG + 1)
        at = start + LONG if at < 0 else at
        yield Span(start, at)
        start = _after_blanks(text, at)
    if end > start:
        yield Span(start, end)
