"""The search page, as a reader without JavaScript sees it."""

import re
from html import unescape

import pytest
from starlette.testclient import TestClient


def _titles(page: str) -> list[str]:
    return re.findall(r"<h3[^>]*><a href=[^>]*>([^<]*)</a></h3>", page)


def _heading(page: str) -> str:
    found = re.search(r'<h2 id="results-title"[^>]*>(.*?)</h2>', page, re.DOTALL)
    assert found
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


def _links(page: str, title: str) -> list[str]:
    return [
        unescape(href)
        for href, text in re.findall(r'<a[^>]*href="([^"]*)"[^>]*>(.*?)</a>', page, re.DOTALL)
        if title in text
    ]


def test_a_question_finds_texts_in_another_language_and_says_which(site: TestClient) -> None:
    page = site.get("/fr/search?q=téléphérique pour les quartiers en pente").text
    assert "Metrocable" in _titles(page)
    card = page[page.index(">Metrocable</a>") - 700 : page.index(">Metrocable</a>")]
    assert '<span lang="es">Español</span>' in card
    assert '<h3 lang="es">' in card


def test_each_result_says_why_it_is_there(site: TestClient) -> None:
    page = site.get("/en/search?q=housing").text
    assert "A century of municipal housing" in _titles(page)
    assert "Why this result:" in page
    assert "tagged Housing" in page or "it says “housing”" in page


def test_matched_words_are_marked_in_the_snippet(site: TestClient) -> None:
    assert re.search(r"<mark>[^<]*vegetables[^<]*</mark>", site.get("/en/search?q=vegetables").text)


def test_the_heading_counts_what_is_shown(site: TestClient) -> None:
    first = site.get("/en/search?type=case_study").text
    second = site.get("/en/search?type=case_study&page=2").text
    assert _heading(first) == "Showing 1–10 of 12 results"
    assert _heading(second) == "Showing 11–12 of 12 results"
    assert len(_titles(first) + _titles(second)) == len(set(_links(first + second, "garden"))) + 4


def test_nothing_unpublished_is_found(site: TestClient) -> None:
    assert "zeppelin" not in " ".join(_titles(site.get("/en/search?q=zeppelin").text))


def test_no_results_is_said_with_advice_and_a_way_back(site: TestClient) -> None:
    page = site.get("/es/search?q=xqzvwk&topic=housing").text
    assert "Aquí no hay nada que responda a eso" in _heading(page)
    assert "quitar todos los filtros" in page
    assert 'href="/es/search?q=xqzvwk"' in page


def test_applied_filters_can_be_taken_away_one_by_one_and_all_at_once(site: TestClient) -> None:
    page = site.get("/en/search?q=city&type=case_study&country=AT&year_from=1900").text
    assert "/en/search?q=city&country=AT&year_from=1900" in _links(page, "Case study")
    assert "/en/search?q=city&type=case_study&year_from=1900" in _links(page, "Austria")
    assert "/en/search?q=city&type=case_study&country=AT" in _links(page, "From year")
    assert "/en/search?q=city" in _links(page, "Clear all filters")


def test_chosen_filters_are_ticked_and_kept_by_the_form(site: TestClient) -> None:
    page = site.get("/en/search?type=case_study&near=48.2,16.4,100&sort=newest").text
    assert re.search(r'id="type-case_study" name="type" value="case_study" checked', page)
    assert '<input type="hidden" form="search-form" name="near" value="48.2,16.4,100">' in page
    assert '<input type="hidden" form="search-form" name="sort" value="newest">' in page


def test_there_is_a_button_to_apply_filters_before_and_after_them(site: TestClient) -> None:
    page = site.get("/en/search").text
    first, last = page.index("Apply filters"), page.rindex("Apply filters")
    assert first < page.index('id="facet-type"') < page.rindex('id="facet-mode"') < last


def test_targets_are_offered_only_below_a_chosen_goal(site: TestClient) -> None:
    assert 'id="facet-target"' not in site.get("/en/search").text
    page = site.get("/en/search?sdg=11").text
    assert 'name="target" value="11.7"' in page
    assert 'name="target" value="5.2"' not in page


def test_results_near_each_other_are_one_dot_and_every_point_is_a_link_in_the_list(site: TestClient) -> None:
    page = site.get("/en/search?type=city&view=map").text
    dots = re.findall(r'<a href="([^"]*)" transform', page)
    listed = page[page.index("The same as a list") :]
    assert len(dots) == 4, "Vienna and Bratislava are 55 km apart and share a dot"
    assert any("near=48" in dot for dot in dots)
    assert all(f">{name}</a>" in listed for name in ("Medellín", "La Paz", "Paris", "Vienna", "Bratislava"))


def test_a_dot_for_several_leads_to_exactly_those(site: TestClient) -> None:
    page = site.get("/en/search?type=city&view=map").text
    dot = next(href for href in re.findall(r'<a href="([^"]*)" transform', page) if "near=" in href)
    assert sorted(_titles(site.get(unescape(dot)).text)) == ["Bratislava", "Vienna"]


@pytest.mark.parametrize("text", ['"><script>alert(1)</script>', "{{ 7*7 }}", "%(q)s %s", "' onfocus=alert(1) x='"])
def test_what_is_asked_is_shown_and_never_run(site: TestClient, text: str) -> None:
    page = site.get("/en/search", params={"q": text}).text
    assert "<script>alert" not in page
    assert f'value="{text}"' in unescape(page.replace("&#34;", "&quot;"))
    assert '" onfocus' not in page


def test_what_cannot_be_read_in_an_address_is_told(site: TestClient) -> None:
    answer = site.get("/en/search?q=bus&year_from=soon")
    assert answer.status_code == 200
    assert "was left out: year_from" in answer.text


def test_a_spelling_mistake_is_answered_with_a_suggestion(site: TestClient) -> None:
    page = site.get("/en/search?q=vegetabels").text
    assert _links(page, "vegetables") == ["/en/search?q=vegetables"]


def test_terms_that_the_question_names_are_offered_as_filters(site: TestClient) -> None:
    page = site.get("/en/search?q=housing in Austria").text
    assert any("country=AT" in href for href in _links(page, "Austria"))


@pytest.mark.parametrize("text", ["a" * 5000, "\x00\x01", "*", '"', "-", "\U0001f6b2", "'; DROP TABLE records"])
def test_strange_questions_get_an_answer(site: TestClient, text: str) -> None:
    assert site.get("/en/search", params={"q": text}).status_code == 200


def test_search_pages_are_not_for_crawlers(site: TestClient) -> None:
    assert '<meta name="robots" content="noindex, follow">' in site.get("/en/search?q=bus").text
