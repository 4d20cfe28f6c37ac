"""A table of contributions: its template, what would happen, and the drafts."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from starlette.testclient import TestClient

from kb.db import transaction
from kb.editorial.tables import DraftRow
from kb.records import columns
from schemas.language import LANGUAGES
from schemas.records import RECORD_TYPES, parse
from search_ui.drafting import tables
from tests.people import browser_of, person
from tests.search_ui.forms_of_pages import sent
from tests.search_ui.own_site import OwnSite, own_site

TAKEN = {"type": "news", "id": "n-taken", "language": "en", "status": "published", "title": {"en": "Mine"}}
CONFIRM = "/en/drafts/import/confirm"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path, [TAKEN]) as site:
        yield site


@pytest.fixture
def ana(site: OwnSite) -> TestClient:
    engine = site.app.state.engine  # type: ignore[attr-defined]
    return browser_of(site.app, person(engine, "ana@example.org", "contributor", organisation="org-1"))


def show(browser: TestClient, text: str, name: str = "rows.csv", lang: str = "en") -> Any:
    return browser.post(f"/{lang}/drafts/import", files={"file": (name, text.encode(), "text/csv")})


def drafts_of(site: OwnSite) -> list[DraftRow]:
    with transaction(site.app.state.engine) as session:  # type: ignore[attr-defined]
        return session.query(DraftRow).order_by(DraftRow.created_at).all()


@pytest.mark.parametrize("type", RECORD_TYPES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_of_each_template_is_a_record(type: str, language: str) -> None:
    rows = tables.template(type, language)  # type: ignore[arg-type]
    assert columns.header_faults([name for name, _ in rows]) == []
    record = parse(columns.nest({name: columns.plain(example) for name, example in rows}))
    assert (record.type, record.language) == (type, language)


def test_templates_are_there_as_csv_and_xlsx(ana: TestClient) -> None:
    comma = ana.get("/fr/drafts/import/news.csv")
    assert comma.headers["content-disposition"] == 'attachment; filename="news.csv"'
    names, example = csv.reader(io.StringIO(comma.content.decode("utf-8-sig")))
    book = load_workbook(io.BytesIO(ana.get("/fr/drafts/import/news.xlsx").content))
    assert [cell.value for cell in next(book.active.rows)] == names
    assert names[:4] == ["type", "id", "language", "title.fr"]
    assert example[1] == "example"


ROWS = """type,id,language,title.en,date,topics
news,example,en,The example,2026,
news,n-1,en,Trams,2026-04,mobility
news,n-2,en,Buses,soon,mobilty
news,n-taken,en,Not mine,2026,
news,n-1,en,Trams again,2026,
"""


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Write the date as 2019, 2019-04 or 2019-04-30."),
        ("es", "Escriba la fecha como 2019, 2019-04 o 2019-04-30."),
        ("fr", "Écrivez la date sous la forme 2019, 2019-04 ou 2019-04-30."),
    ],
)
def test_what_would_happen_is_shown_row_by_row_and_nothing_is_saved(
    site: OwnSite, ana: TestClient, language: str, told: str
) -> None:
    page = show(ana, ROWS, lang=language).text
    assert f"<code>date</code>: {told}" in page
    assert "<code>topics.0</code>" in page
    assert drafts_of(site) == []
    rows = json.loads(sent(page, f"/{language}/drafts/import/confirm")["rows"][0])
    assert [value["id"] for _, value in rows] == ["n-1"]


def test_after_a_yes_the_rows_are_drafts_and_a_second_time_they_change_them(site: OwnSite, ana: TestClient) -> None:
    page = show(ana, ROWS).text
    assert ana.post(CONFIRM, data=sent(page, CONFIRM)).headers["location"] == "/en/drafts?done=imported"
    [draft] = drafts_of(site)
    assert (draft.stage, draft.record_id, draft.data["title"]) == ("draft", "", {"en": "Trams"})
    assert "Is the same already" in show(ana, ROWS).text
    changed = show(ana, ROWS.replace("Trams,2026-04", "Night trams,2026-05")).text
    assert "Changes a draft" in changed
    ana.post(CONFIRM, data=sent(changed, CONFIRM))
    [draft] = drafts_of(site)
    assert (draft.data["title"], draft.data["date"]) == ({"en": "Night trams"}, "2026-05")


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("", "rows.csv", "Choose a file first."),
        ("type,id\nnews,n-1\n", "rows.csv", "This column is missing from the first row."),
        ("type,id,language,title.en,colour\n", "rows.csv", "There is no such column."),
        ("x", "rows.pdf", "Choose a file that ends in .csv or .xlsx."),
        ("no zip", "rows.xlsx", "This cannot be read."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    site: OwnSite, ana: TestClient, text: str, name: str, told: str
) -> None:
    assert told in show(ana, text, name).text
    assert drafts_of(site) == []


def test_what_is_confirmed_is_looked_at_again(site: OwnSite, ana: TestClient) -> None:
    forged = [[2, {"type": "news", "id": "n-taken", "language": "en", "title": {"en": "Mine now"}}], [3, {"type": "x"}]]
    ana.post(CONFIRM, data={"rows": json.dumps(forged)})
    assert drafts_of(site) == []
    assert ana.post(CONFIRM, data={"rows": "[[1,2]]"}).status_code == 422


def test_only_who_may_import_can(site: OwnSite) -> None:
    bo = browser_of(site.app, person(site.app.state.engine, "bo@example.org"))  # type: ignore[attr-defined]
    assert bo.get("/en/drafts/import").status_code == 403
    assert show(bo, ROWS).status_code == 403
