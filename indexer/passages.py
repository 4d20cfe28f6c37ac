"""Long text to passages: pieces small enough for one vector, cut where a reader would pause."""

import re
from collections.abc import Iterable, Iterator

#: Characters. About 300 words: what the embedding model reads in one window, and what was measured best.
LIMIT = 1_500
#: Pieces shorter than this are joined with the next: a lone sentence says too little by itself.
SHORT = 400

_PARAGRAPH = re.compile(r"\n\s*\n|\r\n\s*\r\n")
#: Not the no-break spaces of French: they belong to the text.
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
#: Where none of these is, there is nothing to make single: to look for them is five times faster than to replace.
_UNEVEN = ("  ", "\t", "\r", "\n", "\f", "\v")
#: The blanks between two sentences; quotation marks that close the first are its own.
_BETWEEN = re.compile(r"(?<=[.!?…])(?P<closing>[\"'»”’)]*)\s+(?=[\"'«“‘(¿¡]*[^\W\d_a-zà-ÿ]|\d)")


def passages(texts: Iterable[str], limit: int = LIMIT, short: int = SHORT) -> list[str]:
    """Pack the texts of one record, in order, into passages of at most ``limit`` characters.

    A text is cut at paragraphs, then at sentences, then, if a sentence alone is too long, at words. Neighbouring
    pieces are joined while the whole stays under ``short``. Nothing is lost but white space.
    """
    packed: list[str] = []
    for text in texts:
        for piece in _pieces(text, limit):
            if packed and len(packed[-1]) + len(piece) < min(short, limit):
                packed[-1] = f"{packed[-1]} {piece}"
            else:
                packed.append(piece)
    return packed


def _pieces(text: str, limit: int) -> Iterator[str]:
    for paragraph in _PARAGRAPH.split(text.strip()):
        if said := _single_blanks(paragraph).strip():
            yield from [said] if len(said) <= limit else _packed(sentences(said), limit)


def _single_blanks(text: str) -> str:
    return _BLANKS.sub(" ", text) if any(blank in text for blank in _UNEVEN) else text


def _packed(parts: Iterable[str], limit: int) -> Iterator[str]:
    current = ""
    for part in parts:
        if len(part) > limit:
            if current:
                yield current
            *whole, current = _cut(part, limit)
            yield from whole
        elif current and len(current) + 1 + len(part) > limit:
            yield current
            current = part
        else:
            current = f"{current} {part}".strip()
    if current:
        yield current


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph. Abbreviations may cut one in two; nothing is lost by it."""
    cuts = [(found.end("closing"), found.end()) for found in _BETWEEN.finditer(text)]
    starts, ends = [0, *(after for _, after in cuts)], [*(before for before, _ in cuts), len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True) if start < end]


def _cut(sentence: str, limit: int) -> list[str]:
    """A sentence of more than ``limit`` characters, cut at white space where there is any."""
    parts: list[str] = []
    while len(sentence) > limit:
        at = sentence.rfind(" ", 1, limit + 1)
        at = limit if at < 1 else at
        parts.append(sentence[:at])
        sentence = sentence[at:].lstrip()
    return [*parts, sentence] if sentence else parts
