"""The translators' desk: what is to be translated, and a record's texts side by side."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from kb.editorial import translating
from kb.editorial.history import marked_words
from kb.editorial.translating import Given, Sheet
from kb.errors import Conflict, KnowledgeBaseError
from kb.records import untranslated
from kb.records.untranslated import NEEDS, Asked
from schemas.accounts import Account
from schemas.language import LANGUAGES, Language
from search_ui.depends import SessionDep
from search_ui.identity import Needs
from search_ui.inputs import FormDep, problem_of, see_other
from search_ui.paging import Pages
from search_ui.render import KINDS, language_of, page

router = APIRouter(include_in_schema=False)

_PER_PAGE: Final = 25
_SHEET: Final = "/{lang:language}/desk/translate/{record_id}/{target:language}"
#: Before a text's path in the form: ``text.building_blocks.0.title``.
_PREFIX: Final = "text."

Translator = Annotated[Account, Depends(Needs("translate"))]
Chosen = Annotated[str, Query(max_length=20)]


@router.get("/{lang:language}/desk/translate")
def queue_page(
    request: Request,
    session: SessionDep,
    account: Translator,
    target: Chosen = "",
    need: Chosen = "",
    source: Chosen = "",
    type: Chosen = "",
    number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """What needs a translation. A value that is none of those offered is as none."""
    language = language_of(request)
    asked = Asked(
        _one_of(LANGUAGES, target) or language, _one_of(NEEDS, need), _one_of(LANGUAGES, source), _one_of(KINDS, type)
    )
    counts = untranslated.count(session, asked)
    total = counts[asked.need] if asked.need else sum(counts.values())
    last = max(1, -(-total // _PER_PAGE))
    current = min(number, last)
    return page(
        request,
        "translate/queue.html",
        section="desk",
        asked=asked,
        counts=counts,
        total=total,
        kinds=KINDS,
        needs=NEEDS,
        waiting=translating.queue(session, asked, limit=_PER_PAGE, offset=(current - 1) * _PER_PAGE),
        pages=Pages(current, last, lambda to: _address(language, asked, to)),
    )


def _one_of(known: Any, value: str) -> Any:
    return value if value in known else None


def _address(language: Language, asked: Asked, number: int) -> str:
    said = {"target": asked.target, "need": asked.need, "source": asked.source, "type": asked.type, "page": number}
    return f"/{language}/desk/translate?" + urlencode({name: value for name, value in said.items() if value})


@router.get(_SHEET)
def sheet_page(
    request: Request, session: SessionDep, account: Translator, record_id: str, target: Language
) -> Response:
    """The texts side by side."""
    return _page(request, session, account, translating.sheet(session, account, record_id, target), {})


@router.post(_SHEET)
def save(
    request: Request, session: SessionDep, account: Translator, record_id: str, target: Language, form: FormDep
) -> Response:
    """Save the translation."""
    language, given = language_of(request), _given(form)
    try:
        outcome = translating.save(session, account, record_id, target, given)
    except KnowledgeBaseError as error:
        named = problem_of(error, language)
        problems = {f"{_PREFIX}{path}" if path else "": reason for path, reason in named.items()}
        sheet = translating.sheet(session, account, record_id, target)
        status = error.status if isinstance(error, Conflict) else 422
        return _page(request, session, account, sheet, problems, given.texts, status=status)
    done = "sent" if outcome == "review" else "saved"
    return see_other(f"/{language}/desk/translate", done, target=target)


def _given(form: FormData) -> Given:
    texts = {
        name.removeprefix(_PREFIX): value.replace("\r\n", "\n")
        for name, value in form.items()
        if name.startswith(_PREFIX) and isinstance(value, str)
    }
    return Given(texts, _number(form.get("seen")), _number(form.get("version")), form.get("accept") == "yes")


def _number(value: Any) -> int:
    said = str(value)
    return int(said) if said.isdecimal() and len(said) < 10 else -1


def _page(
    request: Request,
    session: Session,
    account: Account,
    sheet: Sheet,
    problems: dict[str, str],
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The sheet, with what was typed. Where the saved text is another one, the difference is shown beside it."""
    typed = typed or {}
    values = {f"{_PREFIX}{row.path}": typed.get(row.path, row.text) for row in sheet.rows}
    conflict = status == Conflict.status
    return page(
        request,
        "translate/sheet.html",
        status=status,
        section="desk",
        sheet=sheet,
        record=sheet.stored.record,
        values=values,
        problems=problems,
        meanwhile={
            row.path: marked_words(row.text, typed[row.path])
            for row in sheet.rows
            if conflict and row.path in typed and typed[row.path].strip() != row.text
        },
        publishes=translating.can_publish(session, account, sheet),
        for_readers=translating.is_for_readers(sheet, accept=True),
    )
