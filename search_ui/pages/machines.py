"""What browsers and crawlers fetch by themselves: favicon, manifest, robots.txt, sitemaps."""

from collections.abc import Iterator
from itertools import islice
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from kb.records import service as records
from kb.records.urls import SEGMENTS, record_path
from schemas.language import LANGUAGES, Language
from search_ui.depends import SessionDep
from search_ui.i18n import N_, gettext
from search_ui.render import STATIC, language_of, static_url

router = APIRouter(include_in_schema=False)

#: Records in one sitemap: three addresses each, of at most 50,000 that a sitemap may hold.
RECORDS_PER_SITEMAP: Final = 5_000
_PAGES: Final = ("", "search", "sdgs", "gender", "about", "accessibility", "status", "api", *SEGMENTS.values())
_PROMISE: Final = N_("Policies that cities can learn from each other, in English, Spanish and French.")
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACES: Final = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"'


@router.get("/favicon.ico")
def favicon() -> Response:
    """The icon, for browsers that ask without looking at the page."""
    return FileResponse(STATIC / "img" / "favicon.ico", headers={"Cache-Control": "public, max-age=86400"})


@router.get("/{lang:language}/manifest.webmanifest")
def manifest(request: Request) -> Response:
    """What a browser needs to put the site on a home screen."""
    language, name = language_of(request), request.app.state.settings.site_name
    icons = [{"src": static_url(f"img/icon-{size}.png"), "sizes": f"{size}x{size}"} for size in (180, 512)]
    value = {
        "name": name, "short_name": name, "lang": language, "start_url": f"/{language}/", "display": "minimal-ui",
        "description": gettext(_PROMISE, language),
        "background_color": "#0a3a44", "theme_color": "#0a3a44", "icons": icons,
    }  # fmt: skip
    return JSONResponse(value, media_type="application/manifest+json")


@router.get("/robots.txt")
def robots(request: Request) -> Response:
    """Everything may be read; searches with filters are without end, so crawlers keep out of them."""
    lines = ["User-agent: *", "Disallow: /api/", "Disallow: /*/search?", f"Sitemap: {_origin(request)}/sitemap.xml"]
    return PlainTextResponse("\n".join(lines) + "\n")


@router.get("/sitemap.xml")
def sitemap_index(request: Request, session: SessionDep) -> Response:
    """The sitemaps: one of the site's own pages, and as many of records as it takes."""
    origin = _origin(request)
    firsts = [record_id for record_id, _ in islice(records.published_ids(session), None, None, RECORDS_PER_SITEMAP)]
    places = ["/sitemap-pages.xml", *(f"/sitemap-records.xml?first={quote(first)}" for first in firsts)]
    items = "".join(f"<sitemap><loc>{escape(origin + place)}</loc></sitemap>" for place in places)
    return _xml(f"<sitemapindex {_NAMESPACES}>{items}</sitemapindex>")


@router.get("/sitemap-pages.xml")
def sitemap_pages(request: Request) -> Response:
    """The site's own pages, in the three languages."""
    origin = _origin(request)
    return _urls(_entries({language: f"{origin}/{language}/{name}" for language in LANGUAGES}) for name in _PAGES)


@router.get("/sitemap-records.xml")
def sitemap_records(request: Request, session: SessionDep, first: str) -> Response:
    """Records from this id on, each in the languages that it is written in."""
    origin = _origin(request)
    found = islice(records.iterate(session, after=first), RECORDS_PER_SITEMAP - 1)
    start = records.load_public(session, [first]).values()
    return _urls(_record_entries(origin, stored) for stored in [*start, *found])


def _record_entries(origin: str, stored: records.Stored) -> str:
    record = stored.record
    addresses = {language: origin + record_path(record.type, record.id, language) for language in record.languages()}
    return _entries(addresses, stored.updated_at.date().isoformat())


def _entries(addresses: dict[Language, str], modified: str = "") -> str:
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang="{language}" href="{escape(address)}"/>'
        for language, address in addresses.items()
    )
    last = f"<lastmod>{modified}</lastmod>" if modified else ""
    return "".join(f"<url><loc>{escape(address)}</loc>{last}{others}</url>" for address in addresses.values())


def _urls(entries: Iterator[str]) -> Response:
    return _xml(f"<urlset {_NAMESPACES}>{''.join(entries)}</urlset>")


def _xml(text: str) -> Response:
    return Response(_HEAD + text, media_type="application/xml")


def _origin(request: Request) -> str:
    return (request.app.state.settings.public_url or str(request.base_url)).rstrip("/")
