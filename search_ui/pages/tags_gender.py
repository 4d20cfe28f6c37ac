"""The gender marker of a record, question by question: the desk's page to screen it."""

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import ValidationError
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from indexer.tagging.sections import reading_of
from kb.accounts import service as accounts
from kb.errors import Conflict, KnowledgeBaseError
from kb.tagging import decisions, disputes, screening
from schemas.accounts import Account
from schemas.gender_marker import questions
from schemas.labels import CRITERIA
from schemas.records import Record
from schemas.tagging import Screening
from search_ui.depends import SessionDep
from search_ui.gender_sheet import MEANT, changes, sheet_of
from search_ui.identity import Editor
from search_ui.inputs import FormDep, Problems, problem_of, problems, see_other
from search_ui.render import language_of, page
from search_ui.workbench import taken

router = APIRouter(include_in_schema=False)

_PATH: Final = "/{lang:language}/desk/tags/{record_id}/gender"


@router.get(_PATH)
def gender_page(request: Request, session: SessionDep, account: Editor, record_id: str) -> Response:
    """The questions, with what stands in the record or what is suggested."""
    return _page(request, session, account, record_id)


@router.post(_PATH)
def screen(request: Request, session: SessionDep, account: Editor, record_id: str, form: FormDep) -> Response:
    """Save the screening; or show what follows from the answers (``do``: result is that part of the page alone), take the
    last one back, or set the record back to unscreened."""
    asked = form.get("do")
    if asked in ("show", "result"):
        return _page(request, session, account, record_id, _typed(form), part=asked == "result")
    try:
        if asked == "undo":
            decisions.undo(session, account, record_id, _number(form.get("decision")))
        elif asked == "unscreen":
            screening.unscreen(session, account, record_id, _number(form.get("seen")), _text(form, "comment")[:2000])
        else:
            screening.screen(session, account, record_id, _screening(form), _taken)
    except ValidationError as error:
        return _page(request, session, account, record_id, _typed(form), problems(error, language_of(request)))
    except KnowledgeBaseError as error:
        typed = None if asked in ("undo", "unscreen") else _typed(form)
        named = problem_of(error, language_of(request))
        return _page(request, session, account, record_id, typed, named, status=error.status)
    return see_other(request.url.path, "saved")


def _taken(record: Record, passage: str) -> str | None:
    return taken(reading_of(record), passage)


def _screening(form: FormData) -> Screening:
    """What was answered. Raises ValidationError for what is too long or cannot be read."""
    answers = {question: _text(form, f"answer.{question}") for question in questions()}
    passages = {question: _text(form, f"passage.{question}").strip() for question in questions()}
    return Screening(
        answers={question: MEANT[answer] for question, answer in answers.items() if answer in MEANT},
        passages={question: passage for question, passage in passages.items() if passage},
        comment=_text(form, "comment"),
        seen=_number(form.get("seen")),
    )


def _typed(form: FormData) -> dict[str, str]:
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def _number(value: Any) -> int:
    said = str(value)
    return int(said) if said.isdecimal() and len(said) < 10 else 0


def _page(
    request: Request,
    session: Session,
    account: Account,
    record_id: str,
    typed: dict[str, str] | None = None,
    problems: Problems | None = None,
    status: int | None = None,
    part: bool = False,
) -> Response:
    sheet = sheet_of(session, record_id, typed)
    shown: dict[str, Any] = {"result": sheet.result, "changes": changes(sheet.result), "short": CRITERIA}
    if part:
        return page(request, "tags/gender_result.html", **shown)
    values = {f"answer.{each.id}": each.answer for each in sheet.questions}
    values |= {f"passage.{each.id}": each.passage for each in sheet.questions}
    found = problems or {}
    open_disputes = (each for each in disputes.of_record(session, record_id) if each.is_open)
    return page(
        request,
        "tags/gender.html",
        status=status or (422 if found else 200),
        section="desk",
        sheet=sheet,
        record=sheet.stored.record,
        values=values | {"comment": (typed or {}).get("comment", "")},
        problems={name.replace("passages.", "passage."): reason for name, reason in found.items()},
        names=accounts.names(session, [sheet.last.account_id] if sheet.last else []),
        can_undo=screening.can_undo(account, sheet.last),
        is_published=sheet.stored.record.status == "published",
        dispute=next((each for each in open_disputes if each.row.kind == screening.KIND), None),
        meanwhile=typed is not None and status == Conflict.status,
        **shown,
    )
