"""Files in drafts: what is taken in, what is left of it, and who may see it."""

import datetime
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import update
from starlette.testclient import TestClient

from kb.db import transaction, utcnow
from kb.editorial.tables import DraftRow
from kb.uploads import checking, service
from kb.uploads.tables import UploadRow
from schemas.language import LANGUAGES
from tests.people import browser_of, person
from tests.search_ui.forms_of_pages import sent
from tests.search_ui.own_site import OwnSite, own_site
from tests.search_ui.test_drafts import begin, post, stored

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path, []) as site:
        yield site


@pytest.fixture
def ana(site: OwnSite) -> TestClient:
    return browser_of(site.app, person(site.app.state.engine, "ana@example.org"))  # type: ignore[attr-defined]


def picture(format: str = "JPEG", size: tuple[int, int] = (1000, 600), **options: Any) -> bytes:
    target = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(target, format, **options)
    return target.getvalue()


def upload(browser: TestClient, draft: str, content: bytes, name: str = "a.jpg") -> Any:
    page = f"{draft}/links"
    form = sent(browser.get(page).text, action="upload")
    return browser.post(page, data=form, files={"upload": (name, content, "image/jpeg")})


def media(site: OwnSite, draft: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stored(site, draft).data.get("media", [])
    return found


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_promise_19_an_image_is_drawn_anew_without_what_the_camera_noted(
    site: OwnSite, ana: TestClient, format: str
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    content = picture(format, exif=exif) + b"<script>alert(1)</script>PK\x03\x04"
    draft = begin(ana, "news")
    assert upload(ana, draft, content).status_code == 303
    [entry] = media(site, draft)
    answer = ana.get(entry["url"])
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["x-content-type-options"] == "nosniff"
    shown = Image.open(io.BytesIO(answer.content))
    assert (shown.format, shown.size, dict(shown.getexif())) == ("WEBP", (1000, 600), {})
    assert b"SECRET" not in answer.content
    assert b"script" not in answer.content
    assert Image.open(io.BytesIO(ana.get(entry["url"] + "?w=300").content)).size == (400, 240)


def test_promise_19_a_picture_is_turned_as_its_camera_was_held(site: OwnSite, ana: TestClient) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    draft = begin(ana, "news")
    upload(ana, draft, picture("JPEG", (900, 600), exif=exif))
    [entry] = media(site, draft)
    assert Image.open(io.BytesIO(ana.get(entry["url"]).content)).size == (600, 900)


def _flood() -> bytes:
    """A PNG of 100 kB that says it is 60,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000, 9))
        + chunk(b"IEND", b"")
    )  # fmt: skip


REFUSED = {
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "GIF": picture("GIF"),
    "a bomb": _flood(),
    "half an image": picture()[:2000],
    "a picture only by its beginning": b"\xff\xd8\xff" + os.urandom(2000),
    "a PDF with something after its end": PDF + b"PK\x03\x04" + os.urandom(3000),
    "nothing": b"",
    "too large": b"%PDF-" + b"a" * (checking.MAX_BYTES + 1),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
def test_promise_19_what_is_no_image_and_no_document_is_refused_at_its_field(
    site: OwnSite, ana: TestClient, content: bytes
) -> None:
    draft = begin(ana, "news")
    answer = upload(ana, draft, content)
    assert answer.status_code == 422
    assert 'id="f-upload-problem"' in answer.text
    assert media(site, draft) == []
    assert not list(site.app.state.settings.uploads_dir.glob("*/*"))  # type: ignore[attr-defined]


def test_promise_19_a_document_is_for_saving_only(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana, "news")
    upload(ana, draft, PDF, "a.html")
    answer = ana.get(media(site, draft)[0]["url"])
    assert answer.content == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_promise_19_an_account_has_no_more_space_than_its_quota(site: OwnSite, ana: TestClient) -> None:
    settings = site.app.state.settings  # type: ignore[attr-defined]
    site.app.state.settings = settings.model_copy(update={"upload_quota": len(PDF) + 5})  # type: ignore[attr-defined]
    draft = begin(ana, "news")
    assert upload(ana, draft, PDF).status_code == 303
    full = upload(ana, draft, PDF)
    assert full.status_code == 422
    assert "more space than you have" in full.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_image_must_be_described_in_the_language_of_the_draft(site: OwnSite, ana: TestClient, language: str) -> None:
    draft = begin(ana, "news", language)
    upload(ana, draft, picture())
    assert post(ana, f"{draft}/links").status_code == 422
    assert post(ana, f"{draft}/links", media__0__alt="A tram", media__0__licence="CC BY 4.0").status_code == 303
    assert media(site, draft)[0]["alt"] == {language: "A tram"}


def test_a_draft_s_files_are_for_those_who_see_the_draft_and_published_ones_for_all(
    site: OwnSite, ana: TestClient
) -> None:
    draft = begin(ana, "news")
    upload(ana, draft, picture())
    post(ana, f"{draft}/links", media__0__alt="A tram")
    [entry] = media(site, draft)
    engine = site.app.state.engine  # type: ignore[attr-defined]
    eve = browser_of(site.app, person(engine, "eve@example.org", "editor"))  # type: ignore[attr-defined]
    bo = browser_of(site.app, person(engine, "bo@example.org"))  # type: ignore[attr-defined]
    assert [each.get(entry["url"]).status_code for each in (ana, eve, bo, site)] == [200, 200, 404, 404]
    record = {"type": "news", "id": "n-1", "language": "en", "status": "published", "title": {"en": "Trams"}}
    site.save(record | {"media": [entry]})
    with transaction(engine) as session:
        session.get_one(DraftRow, draft.rpartition("/")[2]).record_id = "n-1"
    assert site.get(entry["url"]).status_code == 200
    page = site.get("/en/news/n-1").text
    assert f'src="{entry["url"]}?w=800"' in page
    assert 'alt="A tram"' in page
    site.save(record | {"media": [entry], "status": "withdrawn"})
    assert site.get(entry["url"]).status_code == 404


def _age(site: OwnSite) -> None:
    """Let two days pass for all uploads and their files."""
    past = utcnow() - datetime.timedelta(days=2)
    with transaction(site.app.state.engine) as session:  # type: ignore[attr-defined]
        session.execute(update(UploadRow).values(created_at=past))
    for file in site.app.state.settings.uploads_dir.glob("*/*"):  # type: ignore[attr-defined]
        os.utime(file, (past.timestamp(), past.timestamp()))


def test_what_nothing_refers_to_any_more_is_deleted(site: OwnSite, ana: TestClient) -> None:
    state = site.app.state  # type: ignore[attr-defined]
    draft = begin(ana, "news")
    upload(ana, draft, picture())
    upload(ana, draft, PDF)
    _age(site)
    service.forget_unused(state.engine, state.settings)
    assert len(media(site, draft)) == 2
    assert ana.get(media(site, draft)[1]["url"]).status_code == 200
    post(ana, f"{draft}/links", action="remove:media.0")
    service.forget_unused(state.engine, state.settings)
    assert [file.read_bytes() for file in state.settings.uploads_dir.glob("*/*")] == [PDF]
    assert ana.get(media(site, draft)[0]["url"]).status_code == 200
