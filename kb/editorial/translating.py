"""Translations: what is missing or out of date, text beside text, and the way of a translation before readers.

What somebody translated of a published record goes before readers when an editor who did not write it has read it: the
translator's draft waits at the desk. What a machine translated is read by whoever accepts it, and so has its second pair of eyes.
"""

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.audit import service as audit
from kb.db import utcnow
from kb.editorial import drafts
from kb.editorial.history import Piece, marked_words
from kb.editorial.tables import CoAuthorRow, DraftRow, TranslationDraftRow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.records import revisions, untranslated
from kb.records import service as records
from kb.records.service import Stored
from kb.records.translations import texts
from kb.records.untranslated import Asked, Need
from schemas.accounts import Account
from schemas.editorial import CLOSED
from schemas.language import MAX_TEXT, Language, without_controls
from schemas.messages import N_
from schemas.records import parse, to_value

#: What became of a translation that was saved: readers see it, it waits for an editor, or it is kept where no reader looks.
Outcome = Literal["published", "review", "saved"]

_WORD: Final = re.compile(r"\w+")
#: Stages in which a translation waits for an editor.
_WAITING: Final = frozenset({"submitted", "in_review", "scheduled"})


@dataclass(frozen=True)
class Row:
    """One text: the original, its translation as it is now, and what changed in the original since that was made."""

    path: str
    original: str
    #: In which language the original of this text is; that of the record wherever it has one.
    language: Language
    text: str
    since: list[Piece] | None


@dataclass(frozen=True)
class Sheet:
    """A record's texts side by side. ``seen`` and ``version`` are what a translator gives back: the record's revision, and
    the draft's version (0 without one)."""

    stored: Stored
    target: Language
    rows: list[Row]
    draft: DraftRow | None
    #: A machine made it and no person has accepted it.
    machine: bool
    stale: bool

    @property
    def seen(self) -> int:
        """The record's revision."""
        return self.stored.revision

    @property
    def version(self) -> int:
        """The draft's version."""
        return self.draft.version if self.draft else 0


def sheet(session: Session, account: Account, record_id: str, target: Language) -> Sheet:
    """The record beside its translation: the one that waits at the desk, else the one that it has. Raises NotFound."""
    stored = records.get(session, record_id)
    record = stored.record
    if target == record.language or not (record.status == "published" or account.may("review")):
        raise NotFound(N_("There is nothing to translate here."))
    draft = waiting_draft(session, record_id, target)
    value = to_value(record)
    shown = draft.data if draft else value
    source = _source_revision(session, stored, draft, target)
    rows = _rows(value, shown, target, _hidden(value, account))
    old = texts(revisions.value(session, record_id, source)).get(record.language, {}) if source else None
    return Sheet(
        stored,
        target,
        [_since(row, old) if row.language == record.language else row for row in rows] if old is not None else rows,
        draft,
        machine=not draft and target in record.unchecked(),
        stale=old is not None,
    )


def waiting_draft(session: Session, record_id: str, target: Language) -> DraftRow | None:
    """The translation into this language that is not yet published or declined."""
    return _drafts_into(session, target, [record_id]).get(record_id)


def _source_revision(session: Session, stored: Stored, draft: DraftRow | None, target: Language) -> int | None:
    """The revision that a translation which is out of date was made from; None where there is none, or it is up to date."""
    state = records.text_state(session, stored.record.id)
    if draft:
        source = draft.data.get("translations", {}).get(target, {}).get("revision", 1)
    else:
        made = state.translations.get(target)
        source = made.source_revision if made else state.text_revision
    return source if source < state.text_revision else None


def _hidden(value: dict[str, Any], account: Account) -> set[str]:
    """Fields that an expert keeps from readers; the staff sees them."""
    if account.may("review"):
        return set()
    return {name for name, seen in value.get("visibility", {}).items() if seen != "public"} - {"title"}


def _rows(value: dict[str, Any], shown: dict[str, Any], target: Language, hidden: set[str]) -> list[Row]:
    said, translated = texts(value), texts(shown).get(target, {})
    original: Language = value["language"]
    others = [language for language in said if language not in (original, target)]
    rows: dict[str, Row] = {}
    for language in (original, *others):
        for path, text in said.get(language, {}).items():
            if path.split(".")[1] not in hidden:
                rows.setdefault(path, Row(path[1:], text, language, translated.get(path, ""), None))
    return sorted(rows.values(), key=lambda row: list(value).index(row.path.split(".")[0]))


def _since(row: Row, old: Mapping[str, str]) -> Row:
    before = old.get(f".{row.path}", "")
    return row if before == row.original else replace(row, since=marked_words(before, row.original))


# Saving


@dataclass(frozen=True)
class Given:
    """What a translator gives back: texts by path (an empty one takes the translation away), what they saw, and whether they
    read and corrected what a machine made."""

    texts: Mapping[str, str]
    seen: int
    version: int
    accept: bool = False


def save(session: Session, account: Account, record_id: str, target: Language, given: Given) -> Outcome:
    """Save a translation; what becomes of it depends on who wrote it, and whether readers would see it.

    Raises Forbidden; Conflict when the original or the translation changed since it was seen; Invalid, with the text's path
    as member ``field``.
    """
    if not account.may("translate"):
        raise Forbidden(N_("Only translators and editors can save a translation."))
    records.hold(session, record_id)
    now = sheet(session, account, record_id, target)
    if now.version != given.version or _has_moved(session, now, given.seen):
        raise Conflict(N_("The original or its translation has changed meanwhile. Compare both and save again."))
    value = _translated(now, given, account)
    if not is_for_readers(now, given.accept):
        return _save_record(session, account, now, value, "saved")
    if can_publish(session, account, now):
        return _save_record(session, account, now, value, "published")
    return _submit(session, account, now, value)


def is_for_readers(now: Sheet, accept: bool) -> bool:
    """Whether readers would see what is saved: not in a record that is not published, nor while a machine's text is unchecked."""
    return now.stored.record.status == "published" and (accept or not now.machine)


def can_publish(session: Session, account: Account, now: Sheet) -> bool:
    """Whether this is an editor, and the translation at hand was made by another person, or a machine."""
    if not account.may("publish"):
        return False
    if not now.draft:
        return now.machine
    own = now.draft.saved_by == account.id or drafts.is_author(session, account.id, now.draft)
    return now.draft.stage in _WAITING and not own


def _has_moved(session: Session, now: Sheet, seen: int) -> bool:
    """Whether the original has changed since that revision, or the translation where no draft tells it by its version."""
    if seen == now.seen:
        return False
    record = now.stored.record
    try:
        then = texts(revisions.value(session, record.id, seen))
    except NotFound:
        return True
    today = texts(to_value(record))
    languages = [record.language] if now.draft else [record.language, now.target]
    return any(then.get(language) != today.get(language) for language in languages)


def _translated(now: Sheet, given: Given, account: Account) -> dict[str, Any]:
    """The record's value with these texts, and how they were made. Raises Invalid."""
    value = to_value(now.stored.record)
    for row in now.rows:
        text = given.texts.get(row.path, row.text).replace("\r\n", "\n").strip()
        _check(row.path, text)
        _put(value, row.path, now.target, text)
    if now.target not in value["title"]:
        raise Invalid(N_("Translate the title too: without it readers do not find the translation."), field="title")
    shown = now.draft.data if now.draft else value
    before = shown.get("translations", {}).get(now.target, {})
    value["translations"] = value.get("translations", {}) | {now.target: _note(before, now, given, account)}
    try:
        return to_value(parse(value))
    except ValidationError as error:
        raise Invalid(N_("A text that the record cannot be without is missing.")) from error


def _check(path: str, text: str) -> None:
    if len(text) > MAX_TEXT:
        raise Invalid(N_("This text is too long."), field=path)
    try:
        without_controls(text)
    except ValueError:
        raise Invalid(N_("This text has a character that no one can see. Type it anew."), field=path) from None


def _put(value: Any, path: str, target: Language, text: str) -> None:
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    if text:
        value[target] = text
    else:
        value.pop(target, None)


def _note(before: dict[str, Any], now: Sheet, given: Given, account: Account) -> dict[str, Any]:
    """How the translation was made. What a machine made keeps saying so; that a person accepted it is said beside it."""
    today = utcnow().date().isoformat()
    if now.machine and not given.accept:
        return before
    if before.get("machine") and (now.machine or before.get("checked")):
        return before | {"revision": now.seen, "checked": today}
    # An editor who publishes what waited does not become its translator.
    translator = before.get("translator") if now.draft and now.draft.stage in _WAITING else None
    return {"revision": now.seen, "translator": translator or account.id, "date": today}


def _save_record(session: Session, account: Account, now: Sheet, value: dict[str, Any], outcome: Outcome) -> Outcome:
    record = parse(value)
    records.save(session, record, account.id, f"{now.stored.record.language} → {now.target}", expected=now.seen)
    if now.draft:
        now.draft.stage, now.draft.data = "published", value
        now.draft.version, now.draft.updated_at = now.draft.version + 1, utcnow()
    audit.note(session, account.id, f"translation.{'publish' if outcome == 'published' else 'save'}", record.id,
               language=now.target)  # fmt: skip
    return outcome


def _submit(session: Session, account: Account, now: Sheet, value: dict[str, Any]) -> Outcome:
    """Hand it to the desk. Several translators may write one translation until an editor has taken it."""
    draft = now.draft or _start(session, account, now)
    if draft.stage in ("in_review", "scheduled"):
        raise Forbidden(N_("It is with the editorial team now; you can write again when they send it back."))
    if not drafts.is_author(session, account.id, draft):
        session.add(CoAuthorRow(draft_id=draft.id, account_id=account.id))
    moment = utcnow()
    if now.draft:
        draft.version += 1
        audit.note(session, account.id, "draft.submit", draft.id, language=now.target)
    draft.data, draft.base_revision, draft.saved_by = value, now.seen, account.id
    draft.stage, draft.updated_at, draft.submitted_at = "submitted", moment, moment
    return "review"


def _start(session: Session, account: Account, now: Sheet) -> DraftRow:
    draft = drafts.change_of(session, account, now.stored)
    session.add(TranslationDraftRow(draft_id=draft.id, language=now.target))
    return draft


# The queue


@dataclass(frozen=True)
class Waiting:
    """A published record that needs a translation. ``since``: how long the original has said what it says now."""

    stored: Stored
    need: Need
    since: datetime.datetime
    words: int
    #: The translation that waits at the desk, or was sent back.
    draft: DraftRow | None


def queue(session: Session, asked: Asked, *, limit: int, offset: int = 0) -> list[Waiting]:
    """What needs a translation into that language, the longest first."""
    found = untranslated.find(session, asked, limit=limit, offset=offset)
    stored = records.load(session, [each.record_id for each in found])
    waiting = _drafts_into(session, asked.target, stored)
    return [
        Waiting(
            stored[each.record_id], each.need, each.since, _words(stored[each.record_id]), waiting.get(each.record_id)
        )
        for each in found
    ]


def _words(stored: Stored) -> int:
    said = texts(to_value(stored.record)).get(stored.record.language, {})
    return sum(len(_WORD.findall(text)) for text in said.values())


def _drafts_into(session: Session, target: Language, ids: Iterable[str]) -> dict[str, DraftRow]:
    query = (
        select(DraftRow)
        .join(TranslationDraftRow, TranslationDraftRow.draft_id == DraftRow.id)
        .where(DraftRow.record_id.in_(list(ids)), TranslationDraftRow.language == target)
        .where(DraftRow.stage.not_in(CLOSED))
    )
    return {draft.record_id: draft for draft in session.scalars(query)}
