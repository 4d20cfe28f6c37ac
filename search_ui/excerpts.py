"""The beginning of a text, for places where the whole does not fit."""

import re
from typing import Final

_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+(?=\S)")
_PARAGRAPH: Final = re.compile(r"\n\s*\n")


def excerpt(text: str, length: int = 280) -> str:
    """The first paragraph's whole sentences up to ``length`` characters; cut between words where the first is longer.

    The text itself where it is not longer than that.
    """
    text = text.strip()
    first = _PARAGRAPH.split(text, maxsplit=1)[0]
    if len(text) <= length:
        return text
    kept = ""
    for sentence in _SENTENCE_END.split(first):
        if len(kept) + len(sentence) > length:
            break
        kept = f"{kept} {sentence}".strip()
    return kept or first[:length].rsplit(maxsplit=1)[0].rstrip(",;:") + " …"
