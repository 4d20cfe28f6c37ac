"""Pages by subject: every figure is true and leads to what it counts; what is missing is said."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb.records.urls import SEGMENTS
from schemas.language import LANGUAGES
from schemas.records import RECORD_TYPES
from schemas.vocabulary import load
from tests.search_ui.own_site import OwnSite, own_site


def _tag(code: str) -> dict[str, Any]:
    return {"code": code, "source": "staff", "reviewer": "Editorial team"}


def _theme(theme: str) -> dict[str, Any]:
    return {"theme": theme, "source": "staff", "reviewer": "Editorial team"}


def _record(kind: str, record_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind, "id": record_id, "language": "en", "status": "published", "title": {"en": record_id.title()},
    } | fields  # fmt: skip


def _city(name: str, country: str | None, lat: float, lon: float) -> dict[str, Any]:
    place = {"country": country, "coordinates": {"lat": lat, "lon": lon}} if country else None
    return _record(
        "city", f"city-{country or 'none'}".lower(), title={"en": name}, **({"place": place} if place else {})
    )


RECORDS = [
    _city("Quito", "EC", -0.2, -78.5),
    _city("Évora", "PT", 38.6, -7.9),
    _city("Zagreb", "HR", 45.8, 16.0),
    _city("Elbasan", "AL", 41.1, 20.1),
    _city("Nowhere", None, 0, 0),
    _record("case_study", "night-buses", sdgs=[_tag("5.2"), _tag("11.2")], topics=["public-transport"],
            gender={"marker": 2, "themes": [_theme("mobility")]}, period={"start": "2019"},
            links=[{"rel": "city", "to": "city-ec"}]),
    _record("case_study", "care-centres", sdgs=[_tag("5.4")], topics=["care"], period={"start": "2021"},
            gender={"marker": 1, "themes": [_theme("care")]}, links=[{"rel": "city", "to": "city-ec"}]),
    _record("case_study", "bike-lanes", sdgs=[_tag("11.2")], topics=["walking-cycling"], gender={"marker": 0}),
    _record("case_study", "old-trees", sdgs=[_tag("5")]),
    _record("case_study", "draft-case", sdgs=[_tag("5.6")], topics=["public-transport"], status="draft"),
    _record("case_study", "guessed-case", sdgs=[{"code": "5.6", "source": "machine", "state": "suggested"}]),
    _record("expert", "ana-arce", expertise=["public-transport", "mobility"]),
    _record("news", "a-report", sdgs=[_tag("5.2")], date="2020"),
]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSite]:
    with own_site(tmp_path_factory.mktemp("subjects"), RECORDS) as site:
        yield site


def _text(page: str) -> str:
    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def _main(site: OwnSite, path: str) -> str:
    page = site.get(path).text
    return page[page.index("<main") : page.index("</main>")]


# Goals


def test_each_goal_and_target_counts_its_published_and_accepted_cases(site: OwnSite) -> None:
    said = _text(_main(site, "/en/sdgs"))
    assert "There are case studies on 3 of the 169 targets" in said
    assert "5 Gender equality 3 case studies" in said
    assert "14 Life below water 0 case studies" in said
    counted = dict(re.findall(r"(\d+\.\w+) : .*?, (\d+) case stud", said))
    assert len(counted) == 169
    assert {code for code, count in counted.items() if count != "0"} == {"5.2", "5.4", "11.2"}
    assert counted["11.2"] == "2"


def test_a_goal_lists_its_targets_with_their_cases_and_what_is_missing(site: OwnSite) -> None:
    page = _main(site, "/en/sdgs/5")
    said = _text(page)
    assert load("sdgs")["5"].definition["en"] in said
    assert "There are case studies on 2 of 9 targets." in said
    at_target = page[page.index('id="target-5.2"') : page.index('id="target-5.3"')]
    assert 'href="/en/case-studies/night-buses"' in at_target
    assert "care-centres" not in at_target
    assert "/en/search?target=5.2&amp;type=case_study" in at_target
    missing = page[page.index('id="missing"') :]
    assert re.findall(r'href="#target-([^"]*)"', missing) == ["5.1", "5.3", "5.5", "5.6", "5.a", "5.b", "5.c"]


def test_a_goal_leads_to_its_records_of_every_type_and_to_the_gender_themes_that_serve_it(site: OwnSite) -> None:
    page = _main(site, "/en/sdgs/5")
    assert '<a href="/en/search?type=case_study&amp;sdg=5"><strong>3</strong> Case studies</a>' in page
    assert '<a href="/en/search?type=news&amp;sdg=5"><strong>1</strong> News</a>' in page
    assert 'href="/en/gender/care"' in page
    assert 'href="/en/gender/care"' not in _main(site, "/en/sdgs/14")


def test_a_target_has_an_address_that_leads_to_its_place(site: OwnSite) -> None:
    answer = site.get("/fr/sdgs/5.2")
    assert (answer.status_code, answer.headers["location"]) == (301, "/fr/sdgs/5#target-5.2")


@pytest.mark.parametrize("path", ["sdgs/18", "sdgs/5.99", "gender/weather", "topics/weather", "sdgs/5/5.2"])
def test_a_subject_that_does_not_exist_is_no_page(site: OwnSite, path: str) -> None:
    assert site.get(f"/en/{path}").status_code == 404


# Gender


def test_the_gender_page_counts_each_marker_and_keeps_unscreened_apart_from_zero(site: OwnSite) -> None:
    said = _text(_main(site, "/en/gender"))
    assert "Of 5 case studies, 3 have been screened." in said
    assert re.search(r"Not screened Nobody has looked.*? 2 40%", said)
    assert re.search(r"0 – Screened, not targeted Somebody looked: .*? 1 20%", said)
    assert re.search(r"2 – Principal objective .*? 1 20%", said)


def test_the_gender_page_names_every_theme_also_those_without_a_case(site: OwnSite) -> None:
    said = _text(_main(site, "/es/gender"))
    for theme in load("gender_themes").terms:
        assert f"{theme.label['es']} {theme.definition['es']}" in said
    assert said.count("Todavía no hay ningún caso de estudio.") == len(load("gender_themes").terms) - 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_gender_theme_shows_the_targets_that_it_serves(site: OwnSite, language: str) -> None:
    for theme in load("gender_themes").terms:
        page = _main(site, f"/{language}/gender/{theme.id}")
        for related in theme.related:
            code = related.removeprefix("sdgs:")
            assert f'href="/{language}/sdgs/{code.split(".")[0]}#target-{code}"' in page
            assert html.escape(load("sdgs")[code].label[language], quote=False) in html.unescape(page)  # type: ignore[index]


def test_a_theme_shows_its_cases_and_whom_to_ask(site: OwnSite) -> None:
    page = _main(site, "/en/gender/mobility")
    assert 'href="/en/case-studies/night-buses"' in page
    assert 'href="/en/experts/ana-arce"' in page
    assert "care-centres" not in page
    assert "There is nothing on this subject yet." in _main(site, "/en/gender/digital")


# Topics


def test_topics_stand_in_two_levels_and_the_upper_one_counts_what_is_below(site: OwnSite) -> None:
    said = _text(_main(site, "/en/topics"))
    assert "Mobility and transport 2 Public transport 1 Walking and cycling 1" in said
    assert len(re.findall(r'href="/en/topics/', _main(site, "/en/topics"))) == len(load("topics").terms)


def test_a_topic_leads_up_down_and_to_its_cases(site: OwnSite) -> None:
    above, below = _main(site, "/en/topics/mobility"), _main(site, "/en/topics/public-transport")
    assert re.search(r'href="/en/topics/public-transport">Public transport <span class="chip-count">1</span>', above)
    assert all(case in above for case in ("night-buses", "bike-lanes"))
    assert 'href="/en/topics/mobility">Mobility and transport</a>' in below
    assert "bike-lanes" not in below
    assert "draft-case" not in above + below


# Cities


def test_cities_are_listed_by_region_and_from_a_to_z_without_regard_to_accents(site: OwnSite) -> None:
    page = _main(site, "/en/cities")
    names = re.findall(r'<li><a href="/en/cities/[^"]*">([^<]*)</a>', page)
    assert names == ["Elbasan", "Évora", "Zagreb", "Quito", "Nowhere"]
    said = _text(page[page.index('class="region-links"') :])
    assert (
        said.index("Southern Europe") < said.index("Elbasan") < said.rindex("Latin America") < said.rindex("Elsewhere")
    )
    assert "Quito Ecuador, 2 case studies" in said
    assert "Zagreb Croatia" in said


def test_every_city_with_a_place_is_on_the_map(site: OwnSite) -> None:
    page = _main(site, "/en/cities")
    dots = html.unescape(" ".join(re.findall(r"<title>([^<]*)</title>", page)))
    assert all(name in dots for name in ("Quito", "Évora", "Zagreb", "Elbasan"))
    assert "Nowhere" not in dots


# Kinds of record


@pytest.mark.parametrize("kind", [kind for kind in RECORD_TYPES if kind != "city"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_kind_of_record_has_an_entry_with_a_search_among_them(site: OwnSite, kind: str, language: str) -> None:
    answer = site.get(f"/{language}/{SEGMENTS[kind]}")  # type: ignore[index]
    assert answer.status_code == 200
    assert f'<input type="hidden" name="type" value="{kind}">' in answer.text
    assert len(re.findall("<h1", answer.text)) == 1


def test_the_entry_of_a_kind_counts_them_and_its_figures_lead_to_what_they_count(site: OwnSite) -> None:
    page = _main(site, "/en/case-studies")
    assert re.search(r'<h1>Case studies <span class="total">5</span></h1>', page)
    links = re.findall(r'<li>\s*<a href="(/en/search\?type=case_study[^"]*)">.*?bar-count">(\d+)<', page, re.DOTALL)
    assert len(links) >= 5
    for address, count in links:
        found = _text(site.get(html.unescape(address)).text)
        assert re.search(rf"of {count} results?\b", found), address


def test_experts_are_entered_by_topic_and_gender_theme(site: OwnSite) -> None:
    page = _main(site, "/en/experts")
    assert "/en/search?type=expert&amp;topic=mobility" in page
    assert "/en/search?type=expert&amp;gender_theme=mobility" in page
    assert "Ana-Arce" in page


def test_an_empty_knowledge_base_has_all_these_pages(tmp_path: Path) -> None:
    with own_site(tmp_path, []) as site:
        paths = ["sdgs", "sdgs/11", "gender", "gender/care", "topics", "topics/mobility", *SEGMENTS.values()]
        assert [path for path in paths if site.get(f"/fr/{path}").status_code != 200] == []
