"""The few lines of a record that answer the question, with the matched words marked."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from indexer.analysis import places, token_set
from indexer.document import Passage
from schemas.language import Language

#: Characters of a snippet.
LENGTH = 280


class Snippet(NamedTuple):
    """Plain text and the (start, end) of each matched word in it."""

    text: str
    marks: list[tuple[int, int]]


def best_passage(passages: Sequence[Passage], language: Language, tokens: Collection[str]) -> int:
    """The passage that holds the most of the tokens, the first of equals."""
    if not tokens or len(passages) == 1:
        return 0
    held = [len(token_set(passage.text, language).intersection(tokens)) for passage in passages]
    return held.index(max(held))


def snippet(text: str, language: Language, tokens: Collection[str], length: int = LENGTH) -> Snippet:
    """Cut a passage to the window with the most matched words, at word boundaries, with … where something is left out."""
    found = places(text, language, tokens) if tokens else []
    start, end = _window(text, found, length)
    before, after = "… " if start else "", " …" if end < len(text) else ""
    shift = len(before) - start
    marks = [(first + shift, last + shift) for first, last in found if first >= start and last <= end]
    return Snippet(f"{before}{text[start:end]}{after}", marks)


def _window(text: str, found: list[tuple[int, int]], length: int) -> tuple[int, int]:
    if len(text) <= length:
        return 0, len(text)
    starts = [max(first - length // 6, 0) for first, _ in found] or [0]
    start = max(starts, key=lambda at: (sum(at <= first and last <= at + length for first, last in found), -at))
    start = min(start, len(text) - length)
    # Where no blank is near, as in an address, a word is cut: else the window would jump over what it is to show.
    if start:
        start = text.find(" ", start, start + length // 6) + 1 or start
    end = min(start + length, len(text))
    blank = text.rfind(" ", end - length // 6, end)
    return start, blank if end < len(text) and blank > start else end
