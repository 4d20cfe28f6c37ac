"""The parts that pages are made of: maps, facets, page numbers, text."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas.search import FacetCount, SearchQuery, SearchResults
from search_ui import facets, maps
from search_ui.paging import Pages
from search_ui.render import environment, markdown, marked

_spots = some.lists(
    some.builds(maps.Spot, some.floats(-56, 79), some.floats(-180, 180), some.just("x"), some.just("/x")), max_size=60
)


def _several(group):  # type: ignore[no-untyped-def]
    return f"{len(group)}", "/several"


@given(_spots, some.booleans())
def test_every_spot_is_in_a_dot_and_every_dot_in_the_view(spots: list[maps.Spot], fit: bool) -> None:
    drawn = maps.draw(spots, several=_several, fit=fit)
    left, top, width, height = map(float, drawn.view_box.split())
    assert sum(dot.count for dot in drawn.dots) == len(spots)
    for dot in drawn.dots:
        assert left - 1 <= dot.x <= left + width + 1
        assert top - 2 <= dot.y <= top + height + 2


def test_the_view_fits_the_results() -> None:
    spots = [maps.Spot(48.2, 16.4, "Vienna", "/v"), maps.Spot(41.4, 2.2, "Barcelona", "/b")]
    drawn = maps.draw(spots, several=_several)
    assert float(drawn.view_box.split()[2]) == maps.WIDTH / 5
    assert len(drawn.dots) == 2


@given(_spots.filter(bool))
def test_the_circle_around_spots_holds_them_all(spots: list[maps.Spot]) -> None:
    near = maps.circle_around(spots)
    assert all(maps._kilometres(near.lat, near.lon, spot.lat, spot.lon) <= near.km for spot in spots)


@pytest.mark.parametrize(
    ("current", "last", "shown"),
    [
        (1, 1, [1]),
        (1, 5, [1, 2, 3, 4, 5]),
        (3, 5, [1, 2, 3, 4, 5]),
        (5, 9, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (50, 99, [1, None, 48, 49, 50, 51, 52, None, 99]),
    ],
)
def test_page_numbers_skip_what_is_far_away(current: int, last: int, shown: list[int | None]) -> None:
    assert Pages(current, last, str).shown() == shown


def _results(query: SearchQuery, **counts: list[FacetCount]) -> SearchResults:
    return SearchResults(query=query, total=1, results=[], facets=counts, took_ms=1)


def test_narrower_topics_are_offered_once_their_broader_one_is_chosen() -> None:
    def options(*chosen: str) -> list[str]:
        counts = [
            FacetCount(id=id, label=id, count=5, selected=id in chosen) for id in ("mobility", "public-transport")
        ]
        (group,) = facets.groups(_results(SearchQuery(topic=list(chosen)), topic=counts))
        return [option.id for option in group.first]

    assert options() == ["mobility"]
    assert options("mobility") == ["mobility", "public-transport"]
    assert options("public-transport") == ["mobility", "public-transport"]


def test_scales_keep_their_order_whatever_the_counts() -> None:
    counts = [FacetCount(id=id, label=id, count=count) for id, count in (("5", 9), ("0", 1), ("3", 4))]
    (group,) = facets.groups(_results(SearchQuery(), evidence_level=counts))
    assert [option.id for option in group.first] == ["0", "3", "5"]


def test_a_chosen_value_is_shown_though_it_counts_nothing() -> None:
    counts = [
        FacetCount(id="CO", label="Colombia", count=0, selected=True),
        FacetCount(id="FR", label="France", count=0),
    ]
    (group,) = facets.groups(_results(SearchQuery(country=["CO"]), country=counts))
    assert [option.id for option in group.first] == ["CO"]
    assert group.open


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "[x](javascript:alert(1))", "<img src=x onerror=alert(1)>", "![x](https://elsewhere/x.png)",
     "[x](data:text/html,<script>alert(1)</script>)"],
)  # fmt: skip
def test_written_text_cannot_run_or_load_anything(text: str) -> None:
    html = str(markdown(text))
    assert not any(danger in html for danger in ("<script", "<img", 'href="javascript', 'href="data'))


def test_headings_in_texts_stay_below_those_of_the_page() -> None:
    assert str(markdown("# Title\n\n#### Deep")) == "<h3>Title</h3>\n<h6>Deep</h6>\n"


@given(some.text(max_size=80), some.lists(some.tuples(some.integers(-5, 90), some.integers(-5, 90)), max_size=6))
def test_marking_words_never_changes_or_loses_text(text: str, marks: list[tuple[int, int]]) -> None:
    html = str(marked(text, [(max(0, start), end) for start, end in marks]))
    plain = html.replace("<mark>", "").replace("</mark>", "")
    for escaped, character in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        plain = plain.replace(escaped, character)
    assert plain == text


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_text_in_another_language_says_so(language: str) -> None:
    macro = environment(language).from_string('{% import "macros.html" as m %}{{ m.said(text, "es") }}')  # type: ignore[arg-type]
    expected = "Hola" if language == "es" else '<span lang="es">Hola</span>'
    assert macro.render(text={"es": "Hola"}) == expected


@pytest.mark.parametrize(("days", "light"), [(10, "good"), (500, "fair"), (800, "old")])
def test_the_freshness_light_tells_by_words_too(days: int, light: str) -> None:
    import datetime

    today = datetime.date(2026, 11, 22)
    macro = environment("en").from_string('{% import "macros.html" as m %}{{ m.freshness(date, today) }}')
    html = macro.render(date=today - datetime.timedelta(days=days), today=today)
    assert f"light-{light}" in html
    assert "Verified on" in html
    assert ("more than two years ago" in html) == (light == "old")


def test_every_macro_of_a_record_can_be_drawn_in_every_language() -> None:
    text = """{% import "macros.html" as m %}{{ m.sdg("5.2") }}
    {{ m.sdg("11", label=false) }}{{ m.chips("topic", ["mobility"]) }}
    {{ m.gender_marker(none) }}{{ m.gender_marker(2) }}{{ m.evidence(3) }}
    {{ m.cost_band("1m-10m") }}{{ m.kind("expert") }}
    {{ m.bars([("a", "/a", 3), ("b", none, 0)]) }}{{ m.breadcrumb([("Here", none)]) }}{{ m.notice("Hello", "warning") }}
    {{ m.chip("country", "CO") }}{{ m.language_badge("fr") }}{{ m.prose({"en": "*x*"}) }}"""
    drawn = {language: environment(language).from_string(text).render() for language in ("en", "es", "fr")}  # type: ignore[arg-type]
    assert 'href="/es/search?target=5.2"' in drawn["es"]
    assert "Colombie" in drawn["fr"]
    assert 'class="badge badge-language"' in drawn["en"]
    assert "badge-language" not in drawn["fr"]
    assert "<em>x</em>" in drawn["en"]
    assert 'class="prose" lang="en"' in drawn["fr"]
