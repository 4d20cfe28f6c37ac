"""What holds for every answer of the site, whichever page it is."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from kb.settings import Settings
from schemas.language import LANGUAGES
from search_ui.app import create_app
from search_ui.edge import MAX_BODY
from search_ui.render import static_url

ANSWERS = {
    "a redirect": "/",
    "a page": "/en/",
    "a search": "/fr/search?q=école",
    "a static file": static_url("css/base.css"),
    "the favicon": "/favicon.ico",
    "the API": "/api/v1/search?q=cable",
    "a missing page": "/en/nothing-here",
    "a missing static file": "/static/x/nothing.css",
    "an API error": "/api/v1/records/nothing",
    "an invalid API call": "/api/v1/search?limit=many",
    "the health check": "/healthz",
    "the figures": "/metrics",
}
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def check_headers(headers: dict[str, str]) -> None:
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert all(part in policy for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"))
    assert headers.items() >= HEADERS.items()
    assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize("address", ANSWERS.values(), ids=ANSWERS.keys())
def test_promise_23_every_kind_of_answer_has_the_security_headers(site: TestClient, address: str) -> None:
    check_headers(dict(site.get(address).headers))


def test_an_unexpected_error_is_a_translated_page_with_the_security_headers(settings: Settings) -> None:
    app = create_app(settings)

    def broken() -> None:
        raise ValueError("this route is broken, its message is not for readers")

    app.add_api_route("/es/broken", broken)
    app.add_api_route("/api/broken", broken)
    with TestClient(app, raise_server_exceptions=False) as site:
        page, problem = site.get("/es/broken"), site.get("/api/broken")
    check_headers(dict(page.headers))
    assert page.status_code == 500
    assert '<html lang="es"' in page.text
    assert "Algo falló de nuestro lado" in page.text
    assert "not for readers" not in page.text + problem.text
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["status"] == 500


def test_no_address_can_write_a_line_of_its_own_into_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(settings)

    def broken(rest: str) -> None:
        raise ValueError(len(rest))

    app.add_api_route("/es/broken/{rest:path}", broken)
    with TestClient(app, raise_server_exceptions=False) as site:
        assert site.get("/es/broken/a%0D%1B[31mall is well").status_code == 500
    (told,) = [each.getMessage() for each in caplog.records if "all is well" in each.getMessage()]
    assert told.isprintable()


def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(settings: Settings, tmp_path) -> None:  # type: ignore[no-untyped-def]
    away = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/no-folder/nothing.db"})
    app = create_app(away)
    with TestClient(app, raise_server_exceptions=False) as site:
        (tmp_path / "no-folder").rmdir()
        page, ready, health = site.get("/fr/"), site.get("/readyz"), site.get("/healthz")
    assert (page.status_code, ready.status_code, health.status_code) == (503, 503, 200)
    assert page.headers["retry-after"]
    assert "indisponible" in page.text


def test_hsts_is_sent_in_production_only(settings: Settings, site: TestClient) -> None:
    production = create_app(settings.model_copy(update={"environment": "production", "secret_key": "x" * 40}))
    with TestClient(production) as secure:
        assert "max-age=" in secure.get("/healthz").headers["strict-transport-security"]
    assert "strict-transport-security" not in site.get("/healthz").headers


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("es-MX,es;q=0.9,en;q=0.5", "es"),
        ("de, fr;q=0.4, en;q=0.3", "fr"),
        ("de", "en"),
        ("", "en"),
        ("en;q=0, fr;q=0.1", "fr"),
        ("*;;;q=x," * 500, "en"),
    ],
)
def test_the_root_leads_to_the_language_that_the_browser_asks_for(
    site: TestClient, accepted: str, language: str
) -> None:
    answer = site.get("/", headers={"Accept-Language": accepted})
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/{language}/"
    assert answer.headers["vary"] == "Accept-Language"


def test_a_first_segment_that_is_no_language_is_not_found(site: TestClient) -> None:
    assert site.get("/de/about").status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_missing_page_is_told_in_the_language_of_its_address(site: TestClient, language: str) -> None:
    answer = site.get(f"/{language}/nothing-here", headers={"Accept-Language": "fr"})
    expected = {"en": "This page is not here", "es": "Esta página no está aquí", "fr": "Cette page n’existe pas"}
    assert answer.status_code == 404
    assert f'<html lang="{language}"' in answer.text
    assert expected[language] in answer.text


def test_api_errors_are_problem_documents(site: TestClient) -> None:
    missing, invalid = site.get("/api/v1/records/nothing"), site.get("/api/v1/search?limit=many")
    for answer, status in ((missing, 404), (invalid, 422)):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.status_code == answer.json()["status"] == status
        assert answer.json()["title"]
        assert answer.json()["detail"]
    assert invalid.json()["errors"][0]["field"] == "limit"


def test_head_is_answered_as_get_without_the_body(site: TestClient) -> None:
    answer = site.head("/en/about")
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length told", "in pieces"])
def test_a_body_that_is_too_large_is_refused(app: FastAPI, site: TestClient, chunked: bool) -> None:
    from fastapi import Request

    async def read(request: Request) -> int:
        return len(await request.body())

    if not any(getattr(route, "path", "") == "/api/read" for route in app.routes):
        app.add_api_route("/api/read", read, methods=["POST"])
    pieces = (b"x" * 1_000_000 for _ in range(MAX_BODY // 1_000_000 + 1))
    answer = site.post("/api/read", content=pieces if chunked else b"".join(pieces))
    assert answer.status_code == 413
    assert answer.json()["title"] == "This is too large"
    assert site.post("/api/read", content=b"x" * 1000).json() == 1000


def test_a_static_file_is_kept_for_ever_under_its_hash_and_never_under_an_old_one(site: TestClient) -> None:
    address = static_url("css/base.css")
    old = address.replace(address.split("/")[2], "0" * 12)
    assert "immutable" in site.get(address).headers["cache-control"]
    assert site.get(old).headers["cache-control"] == "no-cache"
    assert site.get(old).text == site.get(address).text


def test_static_files_stay_in_their_folder(site: TestClient) -> None:
    assert site.get("/static/x/%2e%2e/app.py").status_code == 404
    assert site.get("/static/x/..%2fapp.py").status_code == 404


def test_pages_are_compressed(site: TestClient) -> None:
    answer = site.get("/en/search", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"


def test_metrics_count_routes_and_hold_no_word_that_was_searched_for(site: TestClient) -> None:
    site.get("/en/search?q=mysecretquestion")
    text = site.get("/metrics").text
    assert 'route="/{lang}/search"' in text or 'route="/{lang:language}/search"' in text
    assert "mysecretquestion" not in text
    assert "kb_index_waiting 0.0" in text


def test_readiness_tells_of_database_and_index(site: TestClient) -> None:
    assert site.get("/readyz").json() == {"status": "ready", "database": "ok", "index": "ok"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "path", ["", "search", "search?q=cable&topic=mobility", "about", "accessibility", "status", "api"]
)
def test_the_language_switch_keeps_page_and_question(site: TestClient, language: str, path: str) -> None:
    page = site.get(f"/{language}/{path}").text
    for other in LANGUAGES:
        assert f'href="/{other}/{path}" lang="{other}"'.replace("&", "&amp;") in page
        assert f'hreflang="{other}"' in page


def test_the_chosen_colours_come_with_the_page_and_nothing_else_gets_in(site: TestClient) -> None:
    def root(theme: str) -> str:
        return site.get("/en/about", headers={"Cookie": f"theme={theme}"}).text[:200]

    assert 'data-theme="dark"' in root("dark")
    assert "data-theme" not in root("evil")
