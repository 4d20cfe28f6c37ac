"""Pages of records: everything public is on them, nothing private is, in the reader's language or openly in another."""

import datetime
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from kb.records.privacy import public_value
from kb.records.urls import SEGMENTS, record_path
from schemas.language import LANGUAGES
from schemas.records import RECORD_TYPES, RecordType, parse
from schemas.vocabulary import load, names
from search_ui import i18n
from search_ui.excerpts import excerpt
from tests.search_ui.full_records import FULL, TAKER
from tests.search_ui.own_site import OwnSite, own_site

#: How values that stand for something are said on a page.
WORDS = {
    "staff": "Tagged by the editorial team",
    "accepted": "accepted by",
    "indirect": "contributes indirectly",
    "video": "Video",
    "partner": "Partner",
    "lead": "Lead",
}
#: Parts of a record that are not said but acted upon: addresses, the language of a quotation, plain links.
NOT_SAID = {"type", "id", "status", "rel", "passage_language", "primary", "demonstration"}
EVERY_TYPE = pytest.mark.parametrize("kind", RECORD_TYPES)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSite]:
    """A site with one complete record of each type."""
    with own_site(tmp_path_factory.mktemp("full"), [*FULL.values(), TAKER]) as site:
        yield site


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path, []) as site:
        yield site


def _case(**fields: Any) -> dict[str, Any]:
    return {
        "type": "case_study", "id": "trams", "language": "es", "status": "published", "title": {"es": "Tranvías"},
    } | fields  # fmt: skip


def _text(page: str) -> str:
    """What the page says, without scripts, its head and markup."""
    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


# Everything that is public


@EVERY_TYPE
def test_the_complete_record_of_a_type_leaves_no_field_out(kind: RecordType) -> None:
    assert _unfilled(parse(FULL[kind]), kind) == []


def _unfilled(part: BaseModel, path: str) -> list[str]:
    found = []
    for name in type(part).model_fields:
        value = getattr(part, name)
        first = value[0] if isinstance(value, list) and value else value
        if value in (None, [], {}, "") or (isinstance(first, bool) and not first and name != "ongoing"):
            found.append(f"{path}.{name}")
        elif isinstance(first, BaseModel):
            found += _unfilled(first, f"{path}.{name}")
    return found


@EVERY_TYPE
def test_a_page_shows_every_public_field_of_its_record(full: OwnSite, kind: RecordType) -> None:
    page = full.get(record_path(kind, f"full-{kind}", "en")).text
    said = _text(page)
    missing = [
        (path, value)
        for path, value in _leaves(public_value(parse(FULL[kind])))
        if not any(form in said or f'="{form}"' in page for form in _forms(value))
    ]
    assert missing == []


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that a reader of English is to see, with its path."""
    if isinstance(value, dict) and value and set(value) <= set(LANGUAGES) and isinstance(value.get("en"), str):
        yield path, value["en"]
    elif isinstance(value, dict):
        for name, part in value.items():
            if name not in NOT_SAID and not (name == "language" and part == "en"):
                yield from _leaves(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, path)
    else:
        yield path, value


def _forms(value: Any) -> list[str]:
    """The ways in which a page may say a value."""
    if isinstance(value, bool):
        return ["Yes" if value else "No"]
    if isinstance(value, (int, float)):
        return [i18n.number(value, "en"), str(value), i18n.percent(value, "en")]
    forms = [value, WORDS.get(value, value), value.removeprefix("https://"), i18n.spoken(value, "en")]
    forms += [load(name).label_of(value, "en") for name in names() if value in load(name)]
    if re.fullmatch(r"\d{4}(-\d\d){0,2}", value):
        forms.append(i18n.partial_date(value, "en"))
    if re.fullmatch("[A-Z]{2}", value):
        forms.append(i18n.country(value, "en"))
    return forms + [record_path(kind, value, "en") for kind in RECORD_TYPES]


def test_a_case_begins_with_cost_failure_conditions_and_contact_before_its_story(full: OwnSite) -> None:
    said = _text(full.get("/en/case-studies/full-case_study").text)
    story = said.index("Problem paragraph")
    for wanted in ("EUR 1,234,567 (2018)", "Accounts of 2018", "Two years in all", "Contact Carmen", "Evidence 3 of 5",
                   "Verified on 8 July 2024", "The brakes failed", "Conditions paragraph", "Warning paragraph",
                   "Core element", "Adaptable element", "7 full-time posts"):  # fmt: skip
        assert said.index(wanted) < story, wanted
    assert "Main goal contributes indirectly" in said


@pytest.mark.parametrize(
    ("days", "light"), [(0, "good"), (365, "good"), (366, "fair"), (730, "fair"), (731, "old"), (None, "unknown")]
)
def test_the_light_tells_how_long_ago_a_case_was_checked(empty: OwnSite, days: int | None, light: str) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    checked = {} if days is None else {"last_verified": str(today - datetime.timedelta(days=days))}
    empty.save(_case(**checked))
    assert set(re.findall(r"light-(good|fair|old|unknown)", empty.get("/es/case-studies/trams").text)) == {light}


def test_an_unscreened_case_does_not_look_like_one_that_was_screened_with_no_aim(empty: OwnSite) -> None:
    empty.save(_case(), _case(id="screened", gender={"marker": 0}))
    assert "Sin examinar" in empty.get("/es/case-studies/trams").text
    screened = _text(empty.get("/es/case-studies/screened").text)
    assert "Sin examinar" not in screened
    assert "0 – Examinado, no es un objetivo" in screened


# What is private


@pytest.mark.parametrize("language", LANGUAGES)
@EVERY_TYPE
def test_no_page_shows_an_e_mail_address_a_telephone_number_or_the_consent(
    full: OwnSite, kind: RecordType, language: str
) -> None:
    for address in (f"/{language}/{SEGMENTS[kind]}/full-{kind}", f"/{language}/{SEGMENTS[kind]}/full-{kind}.jsonld"):
        page = full.get(address).text
        assert not re.search(r"secret|600 000|700 000|consent-9", page), address


def test_what_an_expert_hides_is_on_no_page(empty: OwnSite) -> None:
    expert = {
        "type": "expert", "id": "ana", "language": "es", "status": "published", "title": {"es": "Ana Arce"},
        "organisation": "Taller Oculto", "summary": {"es": "Resumen oculto"},
        "links": [{"rel": "case_study", "to": "trams"}, {"rel": "city", "to": "city-quito"}],
        "visibility": {"organisation": "members", "summary": "nobody", "links": "nobody"},
    }  # fmt: skip
    city = {"type": "city", "id": "city-quito", "language": "es", "status": "published", "title": {"es": "Quito"}}
    empty.save(_case(), expert, city)
    profile = empty.get("/es/experts/ana").text
    assert "Ana Arce" in profile
    assert not re.search("oculto|Quito|Tranvías", profile, re.IGNORECASE)
    assert "Ana Arce" not in empty.get("/es/case-studies/trams").text, "the link itself is private"
    assert "Ana Arce" not in empty.get("/es/cities/city-quito").text


def test_tags_that_no_person_accepted_are_not_shown(empty: OwnSite) -> None:
    tags = [
        {"code": "5.2", "source": "machine", "state": "suggested", "passage": "Cita de la máquina"},
        {"code": "11.2", "state": "rejected", "passage": "Cita rechazada"},
        {"code": "13.1", "source": "staff", "passage": "Cita aceptada"},
    ]
    empty.save(_case(sdgs=tags))
    page = empty.get("/es/case-studies/trams").text
    assert "Cita aceptada" in page
    assert "Cita de la máquina" not in page
    assert "Cita rechazada" not in page


@pytest.mark.parametrize("status", ["draft", "submitted", "in_review", "withdrawn", "archived"])
@pytest.mark.parametrize("ending", ["", ".jsonld"])
def test_a_record_that_is_not_published_is_not_there(empty: OwnSite, status: str, ending: str) -> None:
    empty.save(_case(status=status))
    assert empty.get(f"/es/case-studies/trams{ending}").status_code == 404


def test_text_of_a_record_is_never_markup(empty: OwnSite) -> None:
    attack = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    value = FULL["case_study"] | {"id": "evil", "title": {"en": attack}, "summary": {"en": attack}, "links": []}
    for name in ("problem", "solution", "results", "what_did_not_work", "lessons"):
        value |= {name: {"en": attack}}
    empty.save(value | {"contact": {"name": attack, "organisation": attack}, "origin": attack, "licence": attack})
    page = empty.get("/en/case-studies/evil").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    data = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert data
    assert json.loads(data[1])["name"] == attack


# Languages


def test_a_text_that_is_missing_in_the_readers_language_is_shown_in_the_records_own_and_says_so(empty: OwnSite) -> None:
    empty.save(_case(problem={"es": "El problema"}))
    page = empty.get("/fr/case-studies/trams").text
    assert '<h1 lang="es">Tranvías</h1>' in page
    assert '<span lang="es">Español</span>' in page
    assert "Pas encore en français\N{NO-BREAK SPACE}: vous lisez le texte en espagnol." in page
    assert re.search(r'<div class="prose" lang="es">\s*<p>El problema</p>', page)


def test_a_single_untranslated_field_carries_its_own_badge(empty: OwnSite) -> None:
    empty.save(
        _case(title={"es": "Tranvías", "en": "Trams"}, problem={"es": "El problema", "en": "The problem text"},
              lessons={"es": "Las lecciones"})
    )  # fmt: skip
    page = empty.get("/en/case-studies/trams").text
    lessons = page[page.index('id="lessons"') :]
    assert '<span lang="es">Español</span>' in lessons[: lessons.index("Las lecciones")]
    assert page.count('class="badge badge-language"') == 1


def test_a_translation_of_an_older_original_says_that_it_is_stale(empty: OwnSite) -> None:
    empty.save(_case(title={"es": "Tranvías", "en": "Trams"}))
    assert "has changed since" not in empty.get("/en/case-studies/trams").text
    empty.save(_case(title={"es": "Tranvías y metro", "en": "Trams"}))
    page = empty.get("/en/case-studies/trams").text
    assert "The original in Spanish has changed since this translation was made." in page
    assert '<a href="/es/case-studies/trams" hreflang="es">Read the original</a>' in page
    original = empty.get("/es/case-studies/trams").text
    assert "Leer el original" not in original
    assert "el original ha cambiado desde entonces" in original, "in the list of its translations"


def test_a_machine_translation_says_so(empty: OwnSite) -> None:
    note = {"machine": True, "checked": "2026-11-27"}
    empty.save(_case(title={"es": "Tranvías", "en": "Trams"}, translations={"en": note}))
    page = empty.get("/en/case-studies/trams").text
    assert "Translated by a machine from the original in Spanish, then read and corrected by a person." in page
    assert "Translated by a machine" not in empty.get("/es/case-studies/trams").text


@pytest.mark.parametrize("language", LANGUAGES)
@EVERY_TYPE
def test_every_page_says_plainly_that_a_record_is_invented(full: OwnSite, kind: RecordType, language: str) -> None:
    notice = "This record is invented. It shows how the site works; nothing in it is real."
    page = full.get(f"/{language}/{SEGMENTS[kind]}/full-{kind}").text
    assert i18n.gettext(notice, language) in html.unescape(page)  # type: ignore[arg-type]


@EVERY_TYPE
def test_pages_name_themselves_in_each_language_for_machines(full: OwnSite, kind: RecordType) -> None:
    path = f"{SEGMENTS[kind]}/full-{kind}"
    page = full.get(f"/es/{path}").text
    assert f'<link rel="canonical" href="http://testserver/es/{path}">' in page
    for language in LANGUAGES:
        assert f'<link rel="alternate" hreflang="{language}" href="http://testserver/{language}/{path}">' in page
    assert f'<meta property="og:title" content="Title of the {kind} (es)">' in page
    assert '<meta property="og:description" content="Summary sentence (es)">' in page
    assert f'<meta property="og:url" content="http://testserver/es/{path}">' in page
    data = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert data
    assert json.loads(data[1]) == full.get(f"/es/{path}.jsonld").json()
    assert full.get(f"/es/{path}.jsonld").headers["content-type"] == "application/ld+json"


# Addresses


def test_below_the_name_of_another_type_a_record_sends_to_its_own_address(full: OwnSite) -> None:
    answer = full.get("/fr/cities/full-case_study")
    assert (answer.status_code, answer.headers["location"]) == (301, "/fr/case-studies/full-case_study")


@pytest.mark.parametrize(
    ("language", "heading"),
    [("en", "This page is not here"), ("es", "Esta página no está aquí"), ("fr", "Cette page n’existe pas")],
)
def test_an_unknown_record_is_told_in_the_readers_language(full: OwnSite, language: str, heading: str) -> None:
    answer = full.get(f"/{language}/case-studies/nothing-here")
    assert answer.status_code == 404
    assert heading in html.unescape(answer.text)


def test_a_word_that_is_no_type_is_no_page(full: OwnSite) -> None:
    assert full.get("/en/casestudies/full-case_study").status_code == 404


@EVERY_TYPE
def test_head_answers_as_get_without_the_page(full: OwnSite, kind: RecordType) -> None:
    answer = full.head(f"/en/{SEGMENTS[kind]}/full-{kind}")
    assert (answer.status_code, answer.content) == (200, b"")


# Links


def test_a_city_shows_what_it_tried_what_it_took_and_what_others_took_from_it(full: OwnSite) -> None:
    home = _text(full.get("/en/cities/full-city").text)
    assert home.index("What it has tried") < home.index("Title of the case_study")
    assert re.search(r"What others took up from it Takerville Abandoned it", home)
    assert "What it took up from others" not in home.replace("What others took up from it", "")
    taker = _text(full.get("/en/cities/taker").text)
    assert re.search(
        r"What it took up from others Title of the case_study\s+from Title of the city\s+Abandoned it", taker
    )


def test_a_city_is_on_a_map_with_the_cities_that_it_exchanged_with(full: OwnSite) -> None:
    page = full.get("/en/cities/full-city").text
    assert page.count('class="map-arc"') == 1
    assert re.search(r'<a href="/en/cities/taker"[^>]*class="dot"><title>Takerville</title>', page)


def test_a_case_names_the_cities_that_took_it_up_with_state_and_outcome(full: OwnSite) -> None:
    said = _text(full.get("/en/case-studies/full-case_study").text)
    assert re.search(r"Takerville\s+Abandoned it\s+May 2009 – 7 June 2014.*?Outcome paragraph", said)
    assert said.index("Adopted by 1 city") < said.index("Problem paragraph")


def test_links_to_unpublished_records_are_not_shown(empty: OwnSite) -> None:
    draft = {"type": "news", "id": "soon", "language": "es", "status": "draft", "title": {"es": "Todavía secreto"}}
    empty.save(draft, _case(links=[{"rel": "news", "to": "soon"}, {"rel": "related", "to": "never-there"}]))
    answer = empty.get("/es/case-studies/trams")
    assert answer.status_code == 200
    assert "secreto" not in answer.text


def test_a_collection_keeps_its_order(empty: OwnSite) -> None:
    steps = [{"record": f"s{number}", "note": {"es": f"Nota {number}"}} for number in (3, 1, 2)]
    empty.save(
        *(_case(id=f"s{number}", title={"es": f"Paso {number}"}) for number in (1, 2, 3)),
        {"type": "collection", "id": "path", "language": "es", "status": "published", "title": {"es": "Ruta"},
         "steps": steps},
    )  # fmt: skip
    said = _text(empty.get("/es/collections/path").text)
    assert re.findall(r"Nota \d|Paso \d", said) == [
        "Nota 3", "Paso 3", "Nota 1", "Paso 1", "Nota 2", "Paso 2",
    ]  # fmt: skip
    assert "Ruta" in empty.get("/es/case-studies/s1").text, "a record names the collections that it is part of"


def test_similar_cases_are_offered_and_the_page_stands_without_the_index(empty: OwnSite) -> None:
    about_trams = {"topics": ["public-transport"], "sdgs": [{"code": "11.2", "source": "staff"}]}
    empty.save(_case(**about_trams), _case(id="buses", title={"es": "Autobuses"}, **about_trams))
    assert "Autobuses" in empty.get("/es/case-studies/trams").text
    empty.app.state.search.engine.close()  # type: ignore[attr-defined]
    empty.app.state.search = None  # type: ignore[attr-defined]
    answer = empty.get("/es/case-studies/trams")
    assert (answer.status_code, "Autobuses" in answer.text) == (200, False)
    from indexer.search import open_search

    empty.app.state.search = open_search(empty.app.state.settings)  # type: ignore[attr-defined]


# Excerpts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Short.", "Short."),
        ("One sentence. " + "x" * 40 + ".", "One sentence."),
        ("First paragraph.\n\n" + "y" * 40, "First paragraph."),
        ("word " * 20, "word word word word word word …"),
    ],
)
def test_an_excerpt_ends_with_a_sentence_or_between_words(text: str, shown: str) -> None:
    assert excerpt(text, 34) == shown
