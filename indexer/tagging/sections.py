"""What of a record is tagged: its texts in its own language, field by field, as one text in which each has its place."""

import re
from dataclasses import dataclass

from indexer.document import texts_of
from indexer.embedding import text_key
from kb.records.privacy import public_record
from schemas.language import Language
from schemas.records import Expert, RecordBase

_BETWEEN = "\n\n"


@dataclass(frozen=True)
class Section:
    """The text of one field; ``start`` is where it begins in the whole, in characters."""

    path: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends in the whole."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Reading:
    """A record as the tagger reads it."""

    language: Language
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """All sections, with an empty line between."""
        return _BETWEEN.join(section.text for section in self.sections)

    @property
    def key(self) -> str:
        """Changes exactly when the text or its language does: 32 hexadecimal digits."""
        return text_key(f"{self.language}\n{self.text}").hex()


def reading_of(record: RecordBase) -> Reading:
    """The record in its own language: what experts keep to themselves is not read."""
    shown = public_record(record) if isinstance(record, Expert) else record
    sections: list[Section] = []
    start = 0
    for path, text in texts_of(shown, record.language):
        sections.append(Section(path, text, start))
        start += len(text) + len(_BETWEEN)
    return Reading(record.language, tuple(sections))


def find(text: str, passage: str, near: int = 0) -> tuple[int, int] | None:
    """Where a passage stands in a text, in characters: word for word, however its blanks and line ends are; of several places
    the one nearest to ``near``. None where it does not."""
    words = passage.split()
    if not words:
        return None
    places = [found.span() for found in re.finditer(r"\s+".join(map(re.escape, words)), text)]
    return min(places, key=lambda place: abs(place[0] - near), default=None)
