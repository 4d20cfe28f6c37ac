"""What the pages of a draft show: its step with everything around it, and what is still missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from indexer.search import Search
from kb.accounts import service as accounts
from kb.editorial import comments, drafts
from kb.editorial.comments import Thread
from kb.editorial.tables import DraftRow
from kb.records import service as records
from schemas.accounts import Account
from schemas.fields import Step
from schemas.forms import FORMS, find
from schemas.language import Language
from search_ui import i18n
from search_ui.drafting import duplicates, merge
from search_ui.drafting.faults import Faults, faults, within
from search_ui.drafting.paths import texts_of
from search_ui.drafting.shown import Asking, Showing, linked_ids
from search_ui.inputs import Problems, said
from search_ui.related import title as title_of
from search_ui.render import language_of, page
from search_ui.reviewing import speakers


@dataclass(frozen=True)
class Entry:
    """Something to do, with where."""

    label: str
    href: str
    reason: str = ""


def title(draft: DraftRow) -> str:
    """What it is called so far; an empty text for nothing yet."""
    texts = texts_of(draft.data.get("title"))
    return str(texts.get(draft.language) or next(iter(texts.values()), ""))


def common(request: Request, session: Session, engine: Search, draft: DraftRow) -> dict[str, Any]:
    """What every page of a draft shows."""
    language = language_of(request)
    found = faults(draft, language)
    return {
        "section": "drafts",
        "draft": draft,
        "title": title(draft),
        "complete": drafts.completeness(draft),
        "steps": FORMS[draft.type],
        "wrong": {step.name for step in FORMS[draft.type] if within(found, draft.type, step.name)},
        "duplicates": duplicates.of_draft(session, engine, draft, language),
        "all_faults": found,
    }


def step_page(
    request: Request,
    session: Session,
    engine: Search,
    account: Account,
    draft: DraftRow,
    step: Step,
    *,
    asking: Asking = Asking(),  # noqa: B008  it is frozen
    problems: Problems | None = None,
    status: int = 200,
) -> HTMLResponse:
    """A step with what stands in the draft, and what is wrong there."""
    language = language_of(request)
    shared = common(request, session, engine, draft)
    linked = records.load(session, linked_ids(draft))
    titles = {id: title_of(stored, language) for id, stored in linked.items()}
    remarks = _remarks(session, draft, step)
    return page(
        request,
        "drafts/step.html",
        status=status,
        step=step,
        nodes=Showing(draft, language, asking, titles).nodes(step),
        base=merge.marks(step, draft.data),
        problems=(problems or {}) | within(shared["all_faults"], draft.type, step.name),
        writable=drafts.can_write(session, account, draft),
        remarks=remarks,
        names=accounts.names(session, speakers([thread for found in remarks.values() for thread in found])),
        **shared,
    )


def _remarks(session: Session, draft: DraftRow, step: Step) -> dict[str, list[Thread]]:
    """What is said about a step and not settled yet, by the name of the field where it is shown."""
    found: dict[str, list[Thread]] = {}
    for path, threads in comments.of(session, draft.id).items():
        place = find(draft.type, path)
        if place and place[0] == step:
            found.setdefault(place[1].name, []).extend(thread for thread in threads if not thread.is_settled)
    return found


def entry(draft: DraftRow, path: str, language: Language, told: str = "") -> Entry:
    """A field as a link to where it is written."""
    names = [found for each in path.split("|") if (found := find(draft.type, each))]
    labels = [said(field.label, language) for _, field in names]
    step, field = names[0] if names else (FORMS[draft.type][0], None)
    anchor = (path if told else field.name if field else "title").replace(".", "-")
    return Entry(_either(labels, language) or path, f"/{language}/drafts/{draft.id}/{step.name}#f-{anchor}", told)


def _either(labels: Sequence[str], language: Language) -> str:
    word = i18n.pgettext("one or the other", "%(one)s or %(other)s", language)
    made = labels[0] if labels else ""
    for label in dict.fromkeys(labels[1:]):
        made = made if label == made else word % {"one": made, "other": label}
    return made


def missing(draft: DraftRow, language: Language, found: Faults) -> dict[str, list[Entry]]:
    """What is wrong, what is missing, what would be welcome."""
    required, welcome = drafts.lacks(draft)
    return {
        "faulty": [entry(draft, path, language, told) for path, told in found.items()],
        "required": [entry(draft, path, language) for path in required],
        "welcome": [entry(draft, path, language) for path in welcome],
    }
