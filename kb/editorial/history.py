"""What became of a record: who changed it when, what is different between two of its versions, and back to an old one."""

import datetime
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Final, Literal

from rapidfuzz.distance import LCSseq, Levenshtein
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.audit import service as audit
from kb.editorial import drafts
from kb.errors import Forbidden, NotFound, Unauthenticated
from kb.records import revisions
from kb.records import service as records
from schemas.accounts import Account, is_account_id
from schemas.labels import LABELS, label_parts
from schemas.messages import N_

# Differences

Mark = Literal["same", "removed", "added"]
_ORDER: Final = {name: at for at, name in enumerate(LABELS)}
#: A word or a mark with the blanks behind it; together they are the text.
_WORDS: Final = re.compile(r"\w+(?:['’-]\w+)*\s*|[^\w\s]\s*|\s+")

_MOST_PAIRS: Final = 400_000_000


@dataclass(frozen=True)
class Piece:
    """A stretch of words, or one item of a list, that stayed, went or came."""

    mark: Mark
    text: str


@dataclass(frozen=True)
class Change:
    """A field that is different. ``kind``: ``text`` is told word by word, ``items`` item by item, a ``value`` as a whole."""

    path: str
    kind: Literal["text", "items", "value"]
    old: Any
    new: Any

    @property
    def label(self) -> list[str]:
        """What the field is called: marked messages, from the whole to the part."""
        return label_parts(self.path)

    @property
    def name(self) -> str:
        """The field's own name, without where it stands."""
        return [part for part in self.path.split(".") if not part.isdecimal()][-1]

    @property
    def pieces(self) -> list[Piece]:
        """What stayed, went and came, in order."""
        if self.kind == "text":
            return marked_words(self.old or "", self.new or "")
        if self.kind == "items":
            return _marked(_texts(self.old or []), _texts(self.new or []))
        both: list[tuple[Mark, Any]] = [("removed", self.old), ("added", self.new)]
        return [Piece(mark, _text(value)) for mark, value in both if value is not None]


def differences(old_value: Any, new_value: Any) -> list[Change]:
    """The fields in which two import lines' values differ, in the order of the forms. Items of lists are compared with
    those that they became, not with those that stand at their place now."""
    return list(_changes(old_value, new_value, ""))


def marked_words(old: str, new: str) -> list[Piece]:
    """Two texts as one: what is not ``added`` is the old one, what is not ``removed`` the new one, each to the letter."""
    return marked(_WORDS.findall(old), _WORDS.findall(new))


def marked(old: Sequence[str], new: Sequence[str]) -> list[Piece]:
    """The same for texts that are taken apart already; neighbours with the same mark are one piece."""
    joined: list[Piece] = []
    for piece in _marked(old, new):
        if joined and joined[-1].mark == piece.mark:
            joined[-1] = Piece(piece.mark, joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined


def _changes(old: Any, new: Any, path: str) -> Iterator[Change]:
    if old == new and type(old) is type(new):
        return
    if _only(dict, old, new):
        yield from _changes_of_parts(old or {}, new or {}, path)
    elif _only(list, old, new) and not _has_parts([*(old or []), *(new or [])]):
        yield Change(path, "items", old, new)
    elif _only(list, old, new):
        yield from _changes_of_lists(old or [], new or [], path)
    else:
        yield Change(path, "text" if _only(str, old, new) else "value", old, new)


def _only(kind: type, old: Any, new: Any) -> bool:
    """Whether what is there of the two is of this kind."""
    return all(value is None or isinstance(value, kind) for value in (old, new))


def _has_parts(items: Sequence[Any]) -> bool:
    return any(isinstance(item, dict) for item in items)


def _changes_of_parts(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Change]:
    # The database may give the keys back in an order of its own.
    for name in sorted(old.keys() | new.keys(), key=lambda name: (_ORDER.get(name, len(_ORDER)), name)):
        yield from _changes(old.get(name), new.get(name), f"{path}.{name}" if path else name)


def _changes_of_lists(old: list[Any], new: list[Any], path: str) -> Iterator[Change]:
    was, now = ([json.dumps(item, sort_keys=True) for item in items] for items in (old, new))
    for what, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        for before, after in zip_longest(range(a, b), range(c, d)) if what != "equal" else ():
            at = before if after is None else after
            pair = (None if before is None else old[before], None if after is None else new[after])
            yield from _changes(*pair, f"{path}.{at}")


def _marked(old: Sequence[str], new: Sequence[str]) -> list[Piece]:
    # As numbers: the library compares other things by their hash alone.
    numbers: dict[str, int] = {}
    coded = [[numbers.setdefault(word, len(numbers)) for word in words] for words in (old, new)]
    pieces: list[Piece] = []
    went: list[Piece] = []
    came: list[Piece] = []
    # Longest common words keep most of a text; they take a bit of memory for each pair of words, the other way hardly any.
    steps = LCSseq if len(old) * len(new) < _MOST_PAIRS else Levenshtein
    for step in steps.opcodes(*coded):
        if step.tag == "equal":
            pieces += [*went, *came, *(Piece("same", word) for word in old[step.src_start : step.src_end])]
            went, came = [], []
        else:
            went += [Piece("removed", word) for word in old[step.src_start : step.src_end]]
            came += [Piece("added", word) for word in new[step.dest_start : step.dest_end]]
    return [*pieces, *went, *came]


def _texts(values: list[Any]) -> list[str]:
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Revisions


@dataclass(frozen=True)
class Entry:
    """One revision in the list. ``author`` is a person's name, or a program's; None for a person who was erased."""

    number: int
    at: datetime.datetime
    author: str | None
    comment: str


def log(session: Session, account: Account, record_id: str) -> list[Entry]:
    """The record's revisions, newest first. Raises NotFound also for who may not see them: staff and owners do."""
    owns = drafts.is_owner(session, account.id, record_id)
    if account.might("review") and not owns:
        raise Unauthenticated(N_("This needs your second factor."), to="second-factor")
    if not (account.may("review") or owns):
        raise NotFound(N_("The history of this record is not here, or it is not for you to see."))
    heads = revisions.heads(session, record_id)
    names = accounts.names(session, [head.author for head in heads if is_account_id(head.author)])
    return [
        Entry(head.number, head.at, names.get(head.author) if is_account_id(head.author) else head.author, head.comment)
        for head in heads
    ]


def compare(session: Session, record_id: str, old: int, new: int) -> list[Change]:
    """What is different in revision ``new`` from revision ``old``; 0 is nothing at all. Raises NotFound."""
    before, after = (revisions.value(session, record_id, number) if number else {} for number in (old, new))
    return differences(before, after)


def restore(session: Session, account: Account, record_id: str, number: int, comment: str, *, expected: int) -> None:
    """Make a new revision that says what that one said; its state stays as it is now. ``expected`` is the newest revision
    that the editor saw. Raises NotFound, Forbidden, Conflict."""
    if not account.may("publish"):
        raise Forbidden(N_("Only editors can bring an old version back."))
    said = comment.strip() or f"↩ {number}"
    outcome = records.restore(session, record_id, number, account.id, said, expected=expected)
    if outcome != "unchanged":
        audit.note(session, account.id, "record.restore", record_id, revision=number)
