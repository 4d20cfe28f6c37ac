"""From a template and values to a page.

There is one Jinja environment per language: ``lang``, ``gettext`` and every filter are bound to it, so that
macros need no context. ``page`` is the one way to render.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import nh3
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import HTMLResponse

from kb.db import transaction
from kb.messages import reading as messages
from kb.records.urls import SEGMENTS, record_path
from schemas.language import AUTONYMS, LANGUAGES, Language, Said, say
from schemas.records import RecordType
from schemas.vocabulary import load
from search_ui import fields, i18n, site
from search_ui.i18n import N_
from search_ui.inputs import DONE

FOLDER: Final = Path(__file__).parent
STATIC: Final = FOLDER / "static"


#: What several records of a type are called; the vocabulary record_types says what one is.
KINDS: Final[dict[RecordType, str]] = {
    "case_study": N_("Case studies"),
    "initiative": N_("Initiatives"),
    "expert": N_("Experts"),
    "organisation": N_("Organisations"),
    "city": N_("Cities"),
    "event": N_("Events"),
    "publication": N_("Publications"),
    "news": N_("News"),
    "award": N_("Awards"),
    "collection": N_("Collections"),
    "adoption": N_("Transfers between cities"),
}


class _LanguageConvertor(Convertor[str]):
    """``{lang:language}`` in a route's path: other first segments are no page of ours, so 404 and not 422."""

    regex = "|".join(LANGUAGES)

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("language", _LanguageConvertor())


def page(
    request: Request, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """The template as a page, in the language of the request's path (else the one that the reader prefers).

    ``alternates`` among the values gives the page's path in each language where swapping the first segment is wrong.
    """
    language = language_of(request)
    settings = request.app.state.settings
    account = getattr(request.state, "account", None)
    # What one person sees is for no cache, their browser's own included.
    caching = "no-store" if account else "no-cache"
    body = environment(language).get_template(template).render(
        site_name=settings.site_name,
        origin=(settings.public_url or str(request.base_url)).rstrip("/"),
        path=request.url.path,
        query_string=request.url.query,
        theme=_theme(request),
        account=account,
        unread=partial(_unread, request, status),
        banner=site.current(request.app).banner,
        read_only=site.current(request.app).read_only,
        done=DONE.get(request.query_params.get("done", ""), ""),
        alternates=values.pop("alternates", None) or _alternates(request),
        **values,
    )  # fmt: skip
    return HTMLResponse(body, status, {"Content-Language": language, "Cache-Control": caching} | (headers or {}))


def language_of(request: Request) -> Language:
    """The language of the page that was asked for."""
    first = request.url.path.split("/")[1]
    found = next((language for language in LANGUAGES if language == first), None)
    return found or i18n.negotiate(request.headers.get("accept-language"))


def _unread(request: Request, status: int) -> int:
    """In how many conversations something is unread. Asked of the database for pages of who is signed in only, and not
    where something failed."""
    if status >= 400:
        return 0
    with transaction(request.app.state.engine, readonly=True) as session:
        return messages.unread(session, request.state.account)


def _theme(request: Request) -> str | None:
    chosen = request.cookies.get("theme")
    return chosen if chosen in ("light", "dark") else None


def _alternates(request: Request) -> dict[Language, str]:
    """This page in each language: the same path and question, below another first segment."""
    _, first, *rest = request.url.path.split("/")
    if first not in LANGUAGES:
        return {language: f"/{language}/" for language in LANGUAGES}
    query = f"?{request.url.query}" if request.url.query else ""
    return {language: "/".join(["", language, *rest]) + query for language in LANGUAGES}


# Environments


@cache
def environment(language: Language) -> Environment:
    """The templates, speaking that language."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(i18n.translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals |= _globals(language)
    made.filters |= _filters(language)
    return made


def _globals(language: Language) -> dict[str, Any]:
    return {
        "lang": language,
        "LANGUAGES": LANGUAGES,
        "AUTONYMS": AUTONYMS,
        "SEGMENTS": SEGMENTS,
        "static": static_url,
        "vocabulary": load,
        "label": lambda vocabulary, term_id: load(vocabulary).label_of(str(term_id), language),
        "kind_name": lambda kind: i18n.gettext(KINDS[kind], language),
        "record_path": lambda kind, record_id: record_path(kind, record_id, language),
        "search_path": lambda **filters: search_path(language, **filters),
    }


def _filters(language: Language) -> dict[str, Any]:
    bound: dict[str, Callable[..., str]] = {
        "number": i18n.number, "percent": i18n.percent, "money": i18n.money, "day": i18n.day, "moment": i18n.moment,
        "partial_date": i18n.partial_date, "country": i18n.country, "spoken": i18n.spoken, "and_list": i18n.join,
        "field_label": fields.field_label,
    }  # fmt: skip
    return {name: partial(function, language=language) for name, function in bound.items()} | {
        "translated": lambda pairs: [(value, i18n.gettext(text, language)) for value, text in pairs],
        "say": lambda text, original=None: say(text or {}, language, original),
        "say_text": lambda text, original=None: _text(say(text or {}, language, original)),
        "tagged": lambda said: tagged(said, language),
        "markdown": markdown,
        "marked": marked,
        "field_value": lambda text, name: fields.field_value(name, text, language),
    }


# Addresses


def search_path(language: Language, **filters: Any) -> str:
    """The search page with these filters: ``search_path("en", sdg="5", topic=["water", "housing"])``."""
    query = urlencode({name: value for name, value in filters.items() if value}, doseq=True)
    return f"/{language}/search" + (f"?{query}" if query else "")


@cache
def static_version() -> str:
    """A hash of all static files: it is in their addresses, so that they can be kept for ever."""
    digest = hashlib.sha256()
    for file in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        digest.update(file.relative_to(STATIC).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def static_url(path: str) -> str:
    """The address of a static file. Raises FileNotFoundError where there is none."""
    if not (STATIC / path).is_file():
        raise FileNotFoundError(f"no static file {path}")
    return f"/static/{static_version()}/{path}"


# Text


def _text(said: Said | None) -> str:
    return said.text if said else ""


def tagged(said: Said | None, language: Language) -> Markup:
    """The text, with its language told to the browser where it is not the page's."""
    if said is None:
        return Markup("")
    if said.language == language:
        return escape(said.text)
    return Markup('<span lang="{}">{}</span>').format(said.language, said.text)


_MARKDOWN = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable("table")
_TAGS = {"p", "br", "em", "strong", "ul", "ol", "li", "h3", "h4", "h5", "h6", "blockquote", "code", "pre", "hr", "a",
         "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip


def markdown(text: str) -> Markup:
    """CommonMark as safe HTML. Headings start at level 3, below those of the page; images are left out."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return Markup(nh3.clean(html, tags=_TAGS, attributes={"a": {"href", "title"}}, url_schemes={"https", "http"}))  # noqa: S704


def marked(text: str, marks: Iterable[tuple[int, int]]) -> Markup:
    """The text with the given stretches, in characters, highlighted. Marks that overlap or run over are cut."""
    parts, position = [], 0
    for first, last in sorted(marks):
        start, end = max(first, position), min(last, len(text))
        if start < end:
            parts += [escape(text[position:start]), Markup("<mark>{}</mark>").format(text[start:end])]
            position = end
    return Markup("").join([*parts, escape(text[position:])])
