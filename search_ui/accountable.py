"""What the pages of disputes, samples and histories share: a record's text by sections, and tags by name."""

from dataclasses import dataclass
from typing import Final

from indexer.tagging.sections import find, reading_of
from kb.tagging.letters import VOCABULARIES, name
from schemas.language import Language
from schemas.records import Record
from schemas.tagging import TagKind
from schemas.vocabulary import load
from search_ui.fields import field_label

#: Characters of a target's name in a list to choose from.
_SHORT: Final = 90


@dataclass(frozen=True)
class Part:
    """The text of one field, with the stretches of it that are highlighted, in characters."""

    label: str
    text: str
    marks: list[tuple[int, int]]


def parts(record: Record, passage: str | None, language: Language) -> list[Part]:
    """A record's text as the tagger reads it, with the passage highlighted wherever it stands."""
    return [
        Part(field_label(section.path, language), section.text, _marks(section.text, passage))
        for section in reading_of(record).sections
    ]


def _marks(text: str, passage: str | None) -> list[tuple[int, int]]:
    place = find(text, passage) if passage else None
    return [place] if place else []


def choices(kind: TagKind, language: Language) -> list[tuple[str, str]]:
    """(code, name) of all that a tag can be changed to: goals with their targets below them, or themes."""
    return [(term.id, _shortened(name(kind, term.id, language))) for term in load(VOCABULARIES[kind]).terms]


def _shortened(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1].rstrip()}…"
