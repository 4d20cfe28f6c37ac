"""What people write to each other through the site, and what they may say against it."""

import re
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from schemas.base import Model

MAX_SUBJECT: Final = 150
MAX_MESSAGE: Final = 5_000
MAX_NOTE: Final = 1_000

#: Characters that nobody sees: controls, and marks that turn the direction of the text around them, with which an address
#: can be made to look like another.
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def _plain(text: str) -> str:
    """The text without what cannot be seen, its lines ended as everywhere here."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _one_line(text: str) -> str:
    return re.sub(r"[ \t\n]+", " ", _plain(text)).strip()


_Subject = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SUBJECT)]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=MAX_MESSAGE)]
_Note = Annotated[str, StringConstraints(max_length=MAX_NOTE)]
Subject = Annotated[_Subject, BeforeValidator(_one_line)]
#: Plain text; an empty line starts a paragraph.
Words = Annotated[_Words, BeforeValidator(_plain)]
Note = Annotated[_Note, BeforeValidator(_plain)]

#: Who asked, and who was asked: people of the record, its contact by mail, or the editorial team.
Side = Literal["asker", "receiver"]
#: Whom a record's messages reach. ``people``: accounts whose record it is. ``contact``: an address in the record that belongs
#: to no account. ``team``: the editors.
Reach = Literal["people", "contact", "team"]

Reason = Literal["unwanted", "insulting", "threatening", "fraud", "other"]
REASONS: Final[tuple[Reason, ...]] = Reason.__args__  # type: ignore[attr-defined]
#: What came of a report.
Outcome = Literal["nothing", "warned", "suspended"]


class NewMessage(Model):
    """The first message of a conversation."""

    subject: Subject
    text: Words


class Answer(Model):
    """One more message."""

    text: Words


class Complaint(Model):
    """What somebody says against a message."""

    message: int = Field(ge=1, le=2_147_483_647)
    reason: Reason
    note: Note = ""


class Ruling(Model):
    """What a moderator makes of a report; ``words`` are for who wrote the message."""

    outcome: Outcome
    words: Note = ""
