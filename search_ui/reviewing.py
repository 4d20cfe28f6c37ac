"""A draft field by field: what it says, what is different, what is missing, what people say about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from kb.accounts import service as accounts
from kb.editorial import comments, drafts, history, publishing, stages
from kb.editorial.comments import Thread
from kb.editorial.history import Change
from kb.editorial.tables import DraftRow
from kb.errors import KnowledgeBaseError
from kb.records import revisions
from schemas.accounts import Account
from schemas.editorial import CLOSED
from schemas.labels import LABELS
from schemas.language import Language
from schemas.records import WELCOME, completeness, missing
from search_ui import i18n
from search_ui.fields import field_label
from search_ui.i18n import N_
from search_ui.inputs import Problems, said
from search_ui.render import language_of, page

#: What a stage is called.
STAGES: Final = {
    "draft": N_("Being written"),
    "submitted": N_("Submitted"),
    "in_review": N_("In review"),
    "changes_requested": N_("Changes requested"),
    "scheduled": N_("Scheduled"),
    "published": N_("Published"),
    "declined": N_("Declined"),
}
#: Moves that need no more than a button, by where they lead from and to.
BUTTONS: Final = {
    ("draft", "submitted"): N_("Send in for review"),
    ("changes_requested", "submitted"): N_("Send in for review"),
    ("submitted", "draft"): N_("Take back"),
    ("submitted", "in_review"): N_("Take into review"),
    ("in_review", "published"): N_("Publish now"),
    ("in_review", "submitted"): N_("Put back in the queue"),
    ("scheduled", "published"): N_("Publish now"),
    ("scheduled", "in_review"): N_("Take off the schedule"),
    ("declined", "draft"): N_("Open it again"),
}
_ORDER: Final = {name: at for at, name in enumerate(LABELS)}
#: Not a text of the draft: shown at its head.
_APART: Final = frozenset({"id", "type", "status", "language"})


@dataclass(frozen=True)
class Part:
    """A field as the review shows it. ``says`` is every text and value in it, ``changes`` what is different from the
    published record, ``problem`` a word on what is wrong."""

    name: str
    says: list[Change]
    changes: list[Change]
    threads: list[Thread]
    problem: str


def parts(session: Session, draft: DraftRow, faults: list[tuple[str, str]], language: Language) -> list[Part]:
    """The fields that say something, lack something, or are spoken about, in the order of the forms; the text as a whole
    (name ``""``) comes first."""
    before = revisions.value(session, draft.record_id, draft.base_revision) if draft.base_revision else {}
    says, changes = _by_field(history.differences({}, draft.data)), _by_field(history.differences(before, draft.data))
    threads, wrong = comments.of(session, draft.id), _wrong(faults, language)
    spoken = {_top(field) for field in threads}
    names = ({*says, *changes, *wrong} | spoken) - _APART - {""}
    return [
        Part(
            name,
            says.get(name, []),
            changes.get(name, []) if draft.base_revision else [],
            [thread for field, found in threads.items() if _top(field) == name for thread in found],
            wrong.get(name, ""),
        )
        for name in ["", *sorted(names, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))]
    ]


def _top(path: str) -> str:
    """A comment on ``solution.es`` stands beside ``solution``."""
    return path.partition(".")[0]


def _by_field(changes: list[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(_top(change.path), []).append(change)
    return found


def _wrong(faults: list[tuple[str, str]], language: Language) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry, reason in faults:
        text = N_("This cannot be published as it is written; the form says why.") if reason else N_("This is missing.")
        for path in entry.split("|")[:1]:
            found.setdefault(_top(path), i18n.gettext(text, language))
    return found


def missing_labels(faults: list[tuple[str, str]], language: Language) -> Iterator[tuple[str, str]]:
    """(field, what is missing or wrong in it) in words: ``The problem or Context``."""
    either = i18n.gettext(N_("%(one)s or %(other)s"), language)
    for entry, _reason in faults:
        first, *others = (field_label(path, language) for path in entry.split("|"))
        for other in others:
            first = either % {"one": first, "other": other}
        yield _top(entry.split("|")[0]), first


def editors(session: Session) -> list[tuple[str, str]]:
    """(id, name) of everybody who may have a draft."""
    return [(row.id, row.name) for row in accounts.with_role(session, "editor", "administrator")]


def draft_page(
    request: Request,
    session: Session,
    account: Account,
    draft: DraftRow,
    *,
    values: dict[str, Any] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    """The review page, once more with what was typed where something was refused."""
    language, faults = language_of(request), drafts.problems(draft)
    refused = publishing.refusal(session, account, draft) if draft.stage in ("in_review", "scheduled") else None
    shown = parts(session, draft, faults, language)
    record = None if any(reason for _, reason in faults) else drafts.record_of(draft)
    return page(
        request,
        "desk/draft.html",
        status=status,
        section="desk",
        draft=draft,
        title=drafts.title_of(draft.data, language),
        stages=STAGES,
        buttons=_buttons(session, account, draft, refused),
        moves=stages.moves(session, account, draft),
        refused=said(refused.detail, language, refused.members) if refused else "",
        must_merge=_must_merge(session, draft),
        share=completeness(record) if record else None,
        welcome=list(missing_labels([(entry, "") for entry in missing(record, WELCOME)], language)) if record else [],
        faults=list(missing_labels(faults, language)),
        parts=shown,
        names=accounts.names(session, _people(draft, shown)),
        editors=editors(session),
        can_write=drafts.can_write(session, account, draft),
        values=values or {},
        problems=problems or {},
    )


def _must_merge(session: Session, draft: DraftRow) -> bool:
    """Whether the record has moved on, so that this would undo what others did."""
    behind = None if draft.stage in CLOSED else publishing.behind(session, draft)
    return behind is not None and behind.members["why"] == "merge"


def _buttons(
    session: Session, account: Account, draft: DraftRow, refused: KnowledgeBaseError | None
) -> list[tuple[str, str]]:
    return [
        (to, BUTTONS[draft.stage, to])
        for to in stages.moves(session, account, draft)
        if (draft.stage, to) in BUTTONS and not (to == "published" and refused)
    ]


def _people(draft: DraftRow, shown: list[Part]) -> Iterator[str]:
    yield from (draft.owner_id, draft.saved_by, draft.assignee_id, draft.approved_by)
    yield from speakers([thread for part in shown for thread in part.threads])


def speakers(threads: list[Thread]) -> Iterator[str]:
    """The ids of all who said something."""
    for thread in threads:
        yield from (row.author_id for row in (thread.comment, *thread.answers))
        yield thread.comment.settled_by
